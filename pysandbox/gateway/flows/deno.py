"""The invoker that flows have unless they are given another: a Deno process for each plugin, made when first needed.

A gateway that runs no flows starts no process. Where there is no Deno, or no runtime, each call says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pysandbox.core.outcome import Outcome
from pysandbox.gateway.flows.proxying import ServerProxy
from pysandbox.gateway.proxy.endpoint import ProxyEndpoint
from pysandbox.invoker.assets import DEFAULT_DIST, load_assets
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.port import Invoker, Runnable
from pysandbox.invoker.tenancy import Tenancy

TenancyOf = Callable[[Runnable], Tenancy]


class _WhenNeeded:
    def __init__(self, dist: Path, max_live: int, tenancy_of: TenancyOf) -> None:
        self._dist = dist
        self._max_live = max_live
        self._tenancy_of = tenancy_of
        self._made: DenoInvoker | None = None

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        if self._made is None:
            await asyncio.to_thread(load_assets, self._dist)  # some milliseconds, in which nobody else waits
        if self._made is None:
            self._made = DenoInvoker(
                dist=self._dist, max_live=self._max_live, tenancy_of=self._tenancy_of)
        return await self._made.invoke(
            plugin, handler, payload, timeout_ms=timeout_ms, correlation_id=correlation_id)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


@asynccontextmanager
async def deno_when_needed(
    dist: Path | None, *, max_live: int, endpoint: ProxyEndpoint, origin: str
) -> AsyncGenerator[Invoker]:
    """Its processes end with the block. ``endpoint``: where what plugins ask by ``ctx.proxy`` goes; ``origin``: its."""
    def tenancy_of(plugin: Runnable) -> Tenancy:
        return Tenancy(grants=frozenset(plugin.grants), proxy=ServerProxy(endpoint, plugin.tenant, origin))

    made = _WhenNeeded(dist or DEFAULT_DIST, max_live, tenancy_of)
    try:
        yield made
    finally:
        await made.close()
