"""Flows over SQLite in a folder: the parts as the gateway composes them, and an invoker that runs handlers here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from pysandbox.core.errors import Status
from pysandbox.core.flow.ports import pick_handler
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.flows.catalog import FlowCatalog
from pysandbox.gateway.flows.executions import ExecutionStore
from pysandbox.gateway.flows.figures import FlowFigures
from pysandbox.gateway.flows.plugins import FlowPlugins
from pysandbox.gateway.flows.ports import World
from pysandbox.gateway.flows.runner import Bounds, Runner
from pysandbox.gateway.flows.writer import JournalWriter
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.submission import judge
from pysandbox.invoker.port import Runnable
from tests.unit.gateway.registered import ADMIN, NAME, NOW_MS, sent

Handler = Callable[[str], Awaitable[str]]
BOUNDS = Bounds(runs=50, tenant_runs=50, lease_s=3600, keep_s=86_400, drain_s=20, alone=True)


def flow(*blocks: dict[str, Any], name: str = "risk") -> dict[str, Any]:
    """The blocks, then two ends: ``good`` and ``bad``."""
    return {"name": name, "slaMs": 300_000, "blocks": [
        *blocks,
        {"id": "good", "type": "routeToQueue", "queueId": "premium", "onError": "bad"},
        {"id": "bad", "type": "disconnect", "reason": "fallback"}]}  # fmt: skip


def call(id: str, to: str, *, handler: str = "evaluate", plugin: str = NAME) -> dict[str, Any]:
    return {
        "id": id, "type": "invokePlugin", "pluginId": plugin, "handler": handler, "timeout": 60_000, "onSuccess": to,
        "onTimeout": "bad", "onError": "bad", "payload": {"block": id}}


@dataclass
class Scripted:
    """An `Invoker` of the tests. ``calls``: the payload of each invocation, in order."""

    handlers: dict[str, Handler] = field(default_factory=dict[str, Handler])
    calls: list[str] = field(default_factory=list[str])

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        assert plugin.bundle
        assert timeout_ms <= 60_000
        self.calls.append(payload)
        work = self.handlers[pick_handler(list(self.handlers), handler)]
        return Outcome(Status.OK, value=await work(payload), correlation_id=correlation_id)


async def answers(payload: str) -> str:
    return payload


async def hangs(_payload: str) -> str:
    await asyncio.Event().wait()
    return "null"


@dataclass
class Flows:
    """One process's parts. ``ms``: what its clock shows more than it would, which tests move."""

    database: Database
    registry: Registry
    catalog: FlowCatalog
    store: ExecutionStore
    writer: JournalWriter
    runner: Runner
    invoker: Scripted
    ahead_ms: list[int]
    metrics: CollectorRegistry

    async def add(self, *blocks: dict[str, Any], name: str = "risk") -> dict[str, object]:
        shown, _ = await self.catalog.add(ADMIN, text(flow(*blocks, name=name)))
        return shown

    async def run(self, data: dict[str, object] | None = None, name: str = "risk") -> dict[str, Any]:
        """A whole run, as it is shown."""
        execution_id = await self.runner.begin(ADMIN.tenant, name, data or {})
        assert await self.runner.ended(execution_id, 20)
        return await self.store.show(ADMIN.tenant, name, execution_id)


@asynccontextmanager
async def process(
    database: Database, *, holder: str = "a", queues: frozenset[str] = frozenset(), running: bool = True,
    handlers: dict[str, Handler] | None = None, **bounds: Any,
) -> AsyncGenerator[Flows]:
    """A process of the gateway, as far as flows go. Without ``running`` it begins and takes over nothing."""
    ahead_ms = [0]
    began_ms = time.monotonic() * 1000

    def clock_ms() -> float:
        return NOW_MS + ahead_ms[0] + time.monotonic() * 1000 - began_ms

    def now_ms() -> int:
        return round(clock_ms())

    registry = Registry(database, now_ms=now_ms)
    chosen = replace(BOUNDS, **bounds)
    store = ExecutionStore(database, holder=holder, lease_ms=round(chosen.lease_s * 1000), now_ms=now_ms)
    catalog = FlowCatalog(database, registry, queues=queues, now_ms=now_ms)
    writer = JournalWriter(database, store)
    invoker = Scripted(handlers or {"evaluate": answers})
    plugins = FlowPlugins(database, registry, time.monotonic)
    metrics = CollectorRegistry()
    runner = Runner(
        store, catalog, World(clock_ms, writer, plugins, invoker, queues), chosen, lambda: 0.5, FlowFigures(metrics))
    parts = Flows(database, registry, catalog, store, writer, runner, invoker, ahead_ms, metrics)
    async with writer.running():
        if not running:
            yield parts
            return
        async with runner.running():
            yield parts


async def enable_plugin(database: Database, *permissions: str) -> None:
    """The plugin `NAME`, agreed to and enabled."""
    registry = Registry(database, now_ms=lambda: NOW_MS)
    shown, _ = await registry.add(ADMIN, judge(sent()))
    await registry.grant(ADMIN, NAME, "2.1.0", permissions, str(shown["identity"]))
    await registry.set_state(ADMIN, NAME, "2.1.0", "enabled")


def text(value: object) -> bytes:
    return json.dumps(value).encode()


def gateway(folder: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    """Run ``work`` over a new database that has the plugin."""

    async def run() -> None:
        database = Database.open(f"sqlite:///{folder}/gateway.db")
        await database.migrate()
        await enable_plugin(database)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(run())
