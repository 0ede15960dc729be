"""Composition: the gateway's parts from its settings, opened and closed together on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from starlette.routing import BaseRoute

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.auth import development, keys
from pysandbox.gateway.auth.platform import Expected, PlatformTokens
from pysandbox.gateway.auth.routes import SessionRoutes
from pysandbox.gateway.auth.scraper import ScraperToken
from pysandbox.gateway.auth.sessions import GatewaySessions
from pysandbox.gateway.breakers import BreakerRoutes
from pysandbox.gateway.config_checks import Places, database_url
from pysandbox.gateway.dist import Dist
from pysandbox.gateway.flows.deno import deno_when_needed
from pysandbox.gateway.flows.figures import FlowFigures
from pysandbox.gateway.flows.runner import Runner
from pysandbox.gateway.flows.running import open_flows
from pysandbox.gateway.health import Check, Health
from pysandbox.gateway.library import library_judge
from pysandbox.gateway.pages import dashboard_routes, pages_folder
from pysandbox.gateway.plugin_gate import PluginCalls
from pysandbox.gateway.proxy.endpoint import trace_nothing
from pysandbox.gateway.proxy.limits import Limits
from pysandbox.gateway.proxy.shared import SharedState
from pysandbox.gateway.proxy_admin import ProxyAdmin
from pysandbox.gateway.proxying import open_proxy
from pysandbox.gateway.publishers import Publishers
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.registry_routes import RegistryRoutes
from pysandbox.gateway.route_store import RouteStore
from pysandbox.gateway.selftest import selftest_routes
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.running import open_telemetry
from pysandbox.gateway.tenant_blocks import TenantBlocks
from pysandbox.gateway.watch import Metrics
from pysandbox.invoker.port import Invoker

_SWEEP_S: Final = 600.0
OpenInvoker = Callable[[], AbstractAsyncContextManager[Invoker]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What lives as long as the server, and the routes that it answers."""

    health: Health
    metrics: Metrics
    blocks: TenantBlocks
    runner: Runner
    routes: list[BaseRoute]

    def stop(self) -> None:
        """The server is about to end: say so to load balancers, and wake whoever waits for news."""
        self.health.stopping = True
        self.blocks.close()
        self.runner.stop()


@asynccontextmanager
async def open_gateway(
    settings: Settings, places: Places, bundle: Dist, open_invoker: OpenInvoker | None = None
) -> AsyncGenerator[Gateway]:
    """``open_invoker``: what runs plugins for flows; None: Deno.

    Raises `SandboxError` for whatever stands in the way.
    """
    async with AsyncExitStack() as stack:
        database = Database.open(database_url(settings))
        stack.push_async_callback(database.close)
        await database.migrate()
        shared = SharedState(settings.redis_url, time.monotonic) if settings.redis_url else None
        if shared is not None:
            stack.push_async_callback(shared.close)
        source, tokens = platform_tokens(settings)
        metrics, limits = Metrics(), Limits(shared)
        sessions = GatewaySessions(
            database, idle_ms=settings.session_idle_s * 1000, lifetime_ms=settings.session_lifetime_s * 1000,
            allowed_origins=places.allowed_origins, now_ms=now_ms, random_hex=secrets.token_hex)
        await stack.enter_async_context(_sweeping(sessions))
        health = Health(
            {"database": _database_check(database), "keys": source.ready},
            {} if shared is None else {"redis": shared.ready}, metrics, tokens,
            None if settings.metrics_token_file is None else ScraperToken(settings.metrics_token_file))
        calls = PluginCalls(database, time.monotonic)
        registry, blocks = Registry(database, now_ms=now_ms, changed=calls.changed), TenantBlocks(database)
        telemetry = await stack.enter_async_context(open_telemetry(
            settings, database=database, tokens=tokens, sessions=sessions, limits=limits,
            registry=metrics.registry, now_ms=now_ms))
        origin = settings.gateway_origin or places.api_origin + settings.path_prefix
        exchange = SessionRoutes(
            tokens, sessions, registry.permissions, limits, origin,
            telemetry if settings.telemetry else None)
        plugins = RegistryRoutes(
            tokens, sessions, database, registry, Publishers(database, now_ms=now_ms), blocks, library_judge(bundle))
        routes = RouteStore(database, allowlist=settings.route_allowlist, now_ms=now_ms)
        endpoint, proxied = await stack.enter_async_context(open_proxy(
            settings, database=database, tokens=tokens, sessions=sessions, calls=calls, routes=routes,
            shared=shared, registry=metrics.registry,
            traced=telemetry.requests.note if settings.telemetry else trace_nothing))
        invoker = await stack.enter_async_context(open_invoker() if open_invoker is not None else deno_when_needed(
            settings.dist, max_live=settings.flow_plugins, endpoint=endpoint, origin=origin))
        flows = await stack.enter_async_context(open_flows(
            settings, database=database, tokens=tokens, registry=registry, invoker=invoker,
            figures=FlowFigures(metrics.registry)))
        breakers = BreakerRoutes(tokens, {"route": endpoint.exchange.resting, "plugin": flows.runner.resting})
        yield Gateway(health, metrics, blocks, flows.runner, [
            *proxied, *health.routes(), *breakers.routes(),
            *exchange.routes(), *plugins.routes(), *ProxyAdmin(tokens, routes).routes(),
            *telemetry.routes(), *flows.routes(), *selftest_routes(sandbox_origin=places.sandbox_origin),
            *(dashboard_routes(pages_folder()) if settings.telemetry else [])])


def platform_tokens(settings: Settings) -> tuple[keys.KeySource, PlatformTokens]:
    """What checks tokens: by the platform's keys, or by this machine's own where none are set.

    Raises `SandboxError` ``INPUT_INVALID`` where neither may be.
    """
    if settings.jwt_jwks:
        is_url = settings.jwt_jwks.startswith(("https://", "http://"))
        read = keys.url_reader(settings.jwt_jwks) if is_url else keys.file_reader(Path(settings.jwt_jwks))
        issuer, audience, algorithms = settings.jwt_issuer, settings.jwt_audience, settings.jwt_algorithms
    else:
        key = development.development_key(settings)
        read = keys.static_reader([{**key.as_dict(private=False), "kid": key.thumbprint()}])
        issuer, audience, algorithms = development.ISSUER, development.AUDIENCE, (development.ALGORITHM,)
    source = keys.KeySource(read, time.monotonic, refresh_s=settings.jwks_refresh_s)
    return source, PlatformTokens(source, Expected(
        issuer, audience, algorithms, settings.jwt_leeway_s, settings.tenant_claim, settings.scope_claim), time.time)


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def _database_check(database: Database) -> Check:
    async def answers() -> bool:
        try:
            async with database.begin() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except SandboxError:
            return False
        return True

    return answers


@asynccontextmanager
async def _sweeping(sessions: GatewaySessions) -> AsyncGenerator[None]:
    """Rows of ended sessions are removed now and then while the block runs."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            with contextlib.suppress(SandboxError):  # the database is away: the next round will do
                await sessions.sweep()

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
