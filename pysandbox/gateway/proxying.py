"""Composition: the proxy and the vaults of the real server, from its settings."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pysandbox.core.errors import Code
from pysandbox.gateway import audit
from pysandbox.gateway.auth.principal import Authenticator, Principal, SessionStore
from pysandbox.gateway.plugin_gate import PluginCalls
from pysandbox.gateway.proxy.compose import epoch_ms, make_proxy
from pysandbox.gateway.proxy.endpoint import ProxyEndpoint, Rates, Told
from pysandbox.gateway.proxy.inspection import Finding
from pysandbox.gateway.proxy.route import METHODS
from pysandbox.gateway.proxy.shared import SharedState
from pysandbox.gateway.route_store import RouteStore
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.vault.api import VaultApi
from pysandbox.gateway.vault.cached import CachedVault
from pysandbox.gateway.vault.embedded import EmbeddedVault
from pysandbox.gateway.vault.keys import vault_key
from pysandbox.gateway.vault.secret import Vault
from pysandbox.gateway.vault.vaults import Vaults

VAULT_FILE: Final = "vault.json"
_BURST_SHARE: Final = 5  # of a minute's requests, as many may come at once


class ProxyCounts:
    """How proxied requests ended, and what was odd about them, for the operator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "pysandbox_proxied", "Proxied requests answered.", ["route", "outcome", "status", "code"],
            registry=registry)
        self._odd = Counter(
            "pysandbox_proxy_findings", "What inspection found.", ["route", "kind", "where"], registry=registry)

    def __call__(self, route: str, outcome: str, status: int, code: Code | None) -> None:
        self._ended.labels(route, outcome, str(status), "" if code is None else code.value).inc()

    def found(self, route: str, finding: Finding) -> None:
        self._odd.labels(route, finding.kind.value, finding.where).inc()


class _Mounted:
    """A route's endpoint that is an ASGI application, known by its identity."""

    def __init__(self, endpoint: ProxyEndpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope, receive, send)


@asynccontextmanager
async def open_proxy(
    settings: Settings, *, database: Database, tokens: Authenticator, sessions: SessionStore, calls: PluginCalls,
    routes: RouteStore, shared: SharedState | None, registry: CollectorRegistry, traced: Told,
) -> AsyncGenerator[tuple[ProxyEndpoint, list[Route]]]:
    """The proxy, and the routes of it and the vault. ``traced`` hears of each request.

    Raises `SandboxError` for a vault that is set up and cannot be used.
    """
    file = Path(settings.data_dir, VAULT_FILE)
    embedded = EmbeddedVault(file, lambda: vault_key(file))
    vault = CachedVault(
        Vaults({"embedded": embedded, **_others(settings)}), clock=time.monotonic, fresh_s=settings.vault_cache_s,
        stale_s=max(10 * settings.vault_cache_s, 300))

    async def record(principal: Principal, action: str, target: str, detail: dict[str, object]) -> None:
        async with database.begin() as connection:
            await audit.record(connection, principal, action, target, epoch_ms(), detail)

    counts = ProxyCounts(registry)
    proxy = make_proxy(
        sessions=sessions, plugins=calls, routes=routes, vault=vault,
        shared=shared, done=counts, traced=traced, found=counts.found, rates=_rates(settings))
    try:
        yield proxy.endpoint, [
            Route("/proxy/{rest:path}", _Mounted(proxy.endpoint), methods=METHODS),  # asked for most, so it comes first
            *VaultApi(embedded, tokens, record, vault.forget).routes()]
    finally:
        await proxy.close()


def _others(settings: Settings) -> dict[str, Vault]:
    """The vaults that are set up beside our own; what they need is imported only then."""
    found: dict[str, Vault] = {}
    if settings.vault_url:
        from pysandbox.gateway.vault.hashicorp import HashicorpVault  # noqa: PLC0415

        found["vault"] = HashicorpVault(
            settings.vault_url, settings.vault_token, namespace=settings.vault_namespace or None)
    if settings.aws_region:
        from pysandbox.gateway.vault.aws import AwsVault  # noqa: PLC0415

        found["aws-sm"] = AwsVault(region=settings.aws_region)
    return found


def _rates(settings: Settings) -> Rates:
    session, plugin = settings.session_per_minute, settings.plugin_per_minute
    return Rates(session, max(1, session // _BURST_SHARE), plugin, max(1, plugin // _BURST_SHARE))
