"""An ordinary plugin over a long session: a cache whose entries expire, timers, failures, and memory that it keeps.

Each handler tells first that it runs, and as which one in this worker: that is the plugin's own count.
"""

from __future__ import annotations

import os
from typing import Any

from pysandbox.plugin import Context, handler

WORKER = os.urandom(8).hex()
TTL_S = 0.25
HOARD = 33  # MiB: past 80 % of what a cap of 64 MiB leaves

serial = 0
hoard: list[bytearray] = []


def count(ctx: Context) -> None:
    global serial  # noqa: PLW0603 - it is the worker's, and so is the module
    serial += 1
    ctx.emit("seen", {"id": ctx.correlation_id, "worker": WORKER, "serial": serial})


@handler
async def works(payload: int, ctx: Context) -> dict[str, Any]:
    """Looks into its cache, fills it, and lets timers fire; one is left for the end of the invocation to cancel."""
    count(ctx)
    key = f"entry {payload % 40}"
    hit = ctx.cache.get(key) is not None
    if not hit:
        ctx.cache.set(key, {"n": payload, "text": "x" * 500}, ttl_s=TTL_S, sliding=payload % 2 == 0)
    fired: list[int] = []
    ctx.set_timeout(lambda: fired.append(payload), 0)
    ctx.set_interval(lambda: None, 1000)
    await ctx.sleep(2)
    return {"n": payload, "hit": hit, "fired": fired == [payload]}


@handler
def fails(payload: int, ctx: Context) -> None:
    count(ctx)
    raise ValueError(f"number {payload}")


@handler
async def waits(_payload: int, ctx: Context) -> None:
    count(ctx)
    await ctx.sleep(60_000)


@handler
def hoards(_payload: int, ctx: Context) -> int:
    """Keeps memory and frees none of it when it is asked to."""
    count(ctx)
    while len(hoard) < HOARD:
        hoard.append(bytearray(1 << 20))
    return len(hoard)
