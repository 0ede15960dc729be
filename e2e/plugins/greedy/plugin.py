"""A plugin that takes as much of each thing as it is told to, and says how much it got."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pysandbox.core.errors import SandboxError
from pysandbox.plugin import Context, handler

kept: dict[str, Any] = {"ticks": 0, "tasks": set()}
MIB = 1 << 20


def as_many(most: int, take: Callable[[int], object]) -> int:
    """How many times it went well."""
    for n in range(most):
        try:
            take(n)
        except (SandboxError, OSError, MemoryError):
            return n
    return most


@handler
async def timers(most: int, ctx: Context) -> int:
    return as_many(most, lambda _: ctx.set_timeout(dict, 60_000))


@handler
async def tasks(most: int, _ctx: Context) -> int:
    def begin(_n: int) -> None:
        kept["tasks"].add(asyncio.ensure_future(asyncio.sleep(60)))

    return as_many(most, begin)


@handler
async def events(most: int, ctx: Context) -> int:
    return as_many(most, lambda n: ctx.emit("note", n))


@handler
async def lines(most: int, ctx: Context) -> int:
    return as_many(most, lambda n: ctx.log.info("line", n=n))


@handler
def file_mib(most: int, _ctx: Context) -> int:
    with Path("/home/pyodide/greedy").open("wb", buffering=0) as file:
        return as_many(most, lambda _: file.write(bytes(MIB)))


@handler
async def heap_mib(most: int, _ctx: Context) -> int:
    hoard: list[bytes] = []
    return as_many(most, lambda _: hoard.append(bytes(MIB)))


@handler
async def calls(most: int, ctx: Context) -> int:
    for n in range(most):
        try:
            await ctx.call("webchat:session:read")
        except SandboxError:
            return n
    return most


@handler
def dice(_payload: Any, _ctx: Context) -> list[float]:
    return [random.random() for _ in range(4)]


@handler
async def leaves_a_task(_payload: Any, _ctx: Context) -> None:
    """Its task counts on when it is over."""

    async def tick() -> None:
        while True:
            kept["ticks"] += 1
            await asyncio.sleep(0.005)

    kept["tasks"].add(asyncio.ensure_future(tick()))


@handler
async def ticks(_payload: Any, _ctx: Context) -> int:
    """How often it ticked in a fifth of a second, in an invocation that lives that long."""
    before = kept["ticks"]
    await asyncio.sleep(0.2)
    return kept["ticks"] - before


@handler
async def asks_for_ever(_payload: Any, ctx: Context) -> None:
    while True:
        with suppress(SandboxError):
            await ctx.call("webchat:session:read")
        await asyncio.sleep(0.001)
