# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""The attacker that ``pysandbox attack`` registers: hostile Python that went past the guarded API.

It reports what it did; whether anything came of it is seen elsewhere: at a listening server, by the page, by a witness.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import forging
import holding
import leaving
import roads
from evaluators import evaluate as tried
from reach import reachable

from pysandbox.plugin import Context, handler


@handler
async def echo(payload: Any, _ctx: Context) -> Any:
    await asyncio.sleep(0)
    return payload


@handler
async def evaluate(payload: dict[str, Any], _ctx: Context) -> list[dict[str, str]]:
    """JavaScript's text, by every road from Python to an evaluator."""
    return await tried(payload["expression"])


@handler
async def road(payload: dict[str, Any], _ctx: Context) -> str:
    """One road of Python's own to the network."""
    return await roads.take(payload["name"], payload["url"])


@handler
def crawl(_payload: None, _ctx: Context) -> list[str]:
    """Names of the browser's that can be reached from any object in the heap, without evaluating anything."""
    return reachable()


@handler
def forge(payload: dict[str, Any], ctx: Context) -> str:
    """Messages by the runtime's own parts; see `forging`."""
    return forging.send(ctx, payload["name"], payload.get("message", {}))


@handler
def answer_twice(_payload: None, ctx: Context) -> str:
    return forging.answer_twice(ctx)


@handler
async def hold(payload: dict[str, Any], ctx: Context) -> Any:
    """Take what the machine has: time, memory, the port. See `holding`."""
    return await holding.take(payload["how"], ctx)


@handler
def leave(payload: str, _ctx: Context) -> str:
    return leaving.leave(payload)


@handler
def find(_payload: None, _ctx: Context) -> str:
    return leaving.find()


@handler
def search(payload: dict[str, Any], _ctx: Context) -> int:
    """How many texts in the whole heap are the one with this SHA-256; ``plant`` puts one there first."""
    return leaving.search(payload["sha256"], payload["chars"], payload.get("plant"))


@handler
def clock(_payload: None, _ctx: Context) -> int:
    """The smallest step of time that is seen within a tenth of a second, in microseconds."""
    now = last = time.perf_counter_ns()
    end, least = now + 100_000_000, 100_000_000
    while now < end:
        now = time.perf_counter_ns()
        if now > last:
            least, last = min(least, now - last), now
    return least // 1000


@handler
async def ask(payload: str, ctx: Context) -> Any:
    return await ctx.call(payload, {"__proto__": {"polluted": 1}})


@handler
def pollute(payload: Any, ctx: Context) -> Any:
    """Names of every object's prototype, wherever names go."""
    ctx.emit("__proto__", payload)
    ctx.log.info("constructor", __proto__={"polluted": 1}, constructor={"prototype": {"polluted": 1}})
    return payload
