"""Plugins that abuse the event loop: starve it, never let go of it, or leave work behind in it."""

from __future__ import annotations

import asyncio
from typing import Any

import kept

from pysandbox.core.abort import AbortError
from pysandbox.plugin import Context, handler

background: set[asyncio.Task[Any]] = set()


def spin() -> None:
    while True:
        pass


async def for_ever() -> None:
    while True:  # noqa: ASYNC110 - it waits for nothing
        await asyncio.sleep(0)


def start(work: Any) -> None:
    task = asyncio.ensure_future(work)
    background.add(task)


@handler
async def starved_loop(_payload: Any, _ctx: Context) -> None:
    await asyncio.sleep(0)
    spin()


@handler
async def endless_sleep(_payload: Any, _ctx: Context) -> None:
    await asyncio.sleep(60)


@handler
async def endless_future(_payload: Any, _ctx: Context) -> None:
    await asyncio.get_running_loop().create_future()


@handler
async def endless_yielding(_payload: Any, _ctx: Context) -> None:
    await for_ever()


@handler
async def endless_gather(_payload: Any, _ctx: Context) -> None:
    await asyncio.gather(*(asyncio.sleep(60) for _ in range(20)))


@handler
async def uncancellable(_payload: Any, _ctx: Context) -> None:
    while True:
        try:
            await asyncio.sleep(1)
        except BaseException:  # noqa: BLE001 - it refuses every request to stop
            continue


@handler
async def deaf_to_its_signal(_payload: Any, ctx: Context) -> None:
    while True:
        try:
            await ctx.sleep(60_000)
        except AbortError:
            await asyncio.sleep(0.001)


@handler
async def obedient(_payload: Any, ctx: Context) -> None:
    await ctx.sleep(60_000)


@handler
async def tasks_without_end(_payload: Any, _ctx: Context) -> None:
    while True:
        start(asyncio.sleep(60))
        await asyncio.sleep(0)


@handler
def tasks_in_one_go(_payload: Any, _ctx: Context) -> None:
    while True:
        start(asyncio.sleep(60))


@handler
async def tasks_left_behind(_payload: Any, _ctx: Context) -> str:
    for _ in range(20):
        start(for_ever())
    await asyncio.sleep(0)
    return "gone"


@handler
def loop_left_behind(_payload: Any, _ctx: Context) -> str:
    """Answers at once, then its worker spins."""
    asyncio.get_running_loop().call_later(0.02, spin)
    return "gone"


@handler
def callbacks_without_end(_payload: Any, _ctx: Context) -> str:
    loop = asyncio.get_running_loop()

    def again() -> None:
        loop.call_soon(again)

    again()
    return "gone"


@handler
async def timers_of_the_loop(_payload: Any, _ctx: Context) -> None:
    loop = asyncio.get_running_loop()
    for n in range(10_000):
        loop.call_later(n / 1000, kept.notes.clear)
    await loop.create_future()


@handler
async def ten_thousand_timers(_payload: Any, ctx: Context) -> None:
    for n in range(10_000):
        ctx.set_timeout(kept.notes.clear, n)


@handler
async def interval_of_nothing(_payload: Any, ctx: Context) -> None:
    ctx.set_interval(kept.notes.clear, 0)
    await ctx.sleep(60_000)


@handler
async def interval_that_spins(_payload: Any, ctx: Context) -> None:
    ctx.set_interval(spin, 0)
    await ctx.sleep(60_000)


@handler
def keeps_its_context(_payload: Any, ctx: Context) -> str:
    kept.contexts.append(ctx)
    return "kept"


@handler
async def uses_an_old_context(_payload: Any, ctx: Context) -> Any:
    old = (kept.contexts or [ctx])[0]
    return await old.call("webchat:session:read")
