"""The invoker that flows have unless they are given another: a Deno process for each plugin, made when first needed.

A gateway that runs no flows starts no process. Where there is no Deno, or no runtime, each call says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pysandbox.core.outcome import Outcome
from pysandbox.invoker.assets import DEFAULT_DIST, load_assets
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.port import Invoker, Runnable


class _WhenNeeded:
    def __init__(self, dist: Path, max_live: int) -> None:
        self._dist = dist
        self._max_live = max_live
        self._made: DenoInvoker | None = None

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        if self._made is None:
            await asyncio.to_thread(load_assets, self._dist)  # some milliseconds, in which nobody else waits
        if self._made is None:
            self._made = DenoInvoker(dist=self._dist, max_live=self._max_live)
        return await self._made.invoke(
            plugin, handler, payload, timeout_ms=timeout_ms, correlation_id=correlation_id)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


@asynccontextmanager
async def deno_when_needed(dist: Path | None, *, max_live: int) -> AsyncGenerator[Invoker]:
    """Its processes end with the block."""
    made = _WhenNeeded(dist or DEFAULT_DIST, max_live)
    try:
        yield made
    finally:
        await made.close()
