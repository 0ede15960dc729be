"""Composition: flows in the gateway, from its settings."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from pysandbox.gateway.auth.principal import Authenticator
from pysandbox.gateway.flows.catalog import FlowCatalog
from pysandbox.gateway.flows.executions import ExecutionStore
from pysandbox.gateway.flows.figures import FlowFigures
from pysandbox.gateway.flows.plugins import FlowPlugins
from pysandbox.gateway.flows.ports import World
from pysandbox.gateway.flows.routes import FlowRoutes
from pysandbox.gateway.flows.runner import Bounds, Runner
from pysandbox.gateway.flows.writer import JournalWriter
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.invoker.port import Invoker


@asynccontextmanager
async def open_flows(
    settings: Settings, *, database: Database, tokens: Authenticator, registry: Registry, invoker: Invoker,
    figures: FlowFigures,
) -> AsyncGenerator[FlowRoutes]:
    """The routes, and what runs behind them until the block ends."""
    clock_ms = steady_clock()
    queues = frozenset(settings.queues)
    store = ExecutionStore(
        database, holder=secrets.token_hex(16), lease_ms=settings.flow_lease_s * 1000,
        now_ms=lambda: round(clock_ms()))
    catalog = FlowCatalog(database, registry, queues=queues, now_ms=store.now_ms)
    writer = JournalWriter(database, store)
    plugins = FlowPlugins(database, registry, time.monotonic)
    world = World(clock_ms, writer, plugins, invoker, queues)
    runner = Runner(store, catalog, world, Bounds(
        settings.flow_runs, settings.flow_tenant_runs, settings.flow_lease_s, settings.flow_keep_days * 86_400,
        settings.drain_s, alone=not database.is_shared), secrets.SystemRandom().random, figures)
    async with writer.running(), runner.running():
        yield FlowRoutes(tokens, catalog, store, runner)


def steady_clock() -> Callable[[], float]:
    """Milliseconds since 1970 by the wall's clock of now, and from here on by one that never goes back."""
    offset_ms = time.time() * 1000 - time.monotonic() * 1000
    return lambda: time.monotonic() * 1000 + offset_ms
