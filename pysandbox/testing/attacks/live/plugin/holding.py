# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""Ways to take what the machine has, and not to let go. None of them ends by itself within any deadline."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from forging import Wire


def spin(_ctx: Any) -> None:
    while True:
        pass


def swallow(_ctx: Any) -> None:
    """Every request to stop is caught."""
    while True:
        with suppress(BaseException):
            while True:
                pass


def regex(_ctx: Any) -> None:
    """One call of C that looks at no signal while it backtracks."""
    re.match(r"(a|aa)+$", "a" * 90 + "b")


def bignum(_ctx: Any) -> int:
    return (7 ** 3_000_000) % (11 ** 2_000_000)


def sleep(_ctx: Any) -> None:
    time.sleep(600)


def sort(_ctx: Any) -> None:
    """Comparisons that never come to an end."""

    class Slow:
        def __lt__(self, _other: object) -> bool:
            time.sleep(1)
            return True

    sorted([Slow() for _ in range(10_000)], key=lambda slow: slow)  # pyright: ignore[reportArgumentType, reportCallIssue]


async def wait(_ctx: Any) -> None:
    await asyncio.Event().wait()


async def calls(ctx: Any) -> None:
    """A deadline stretched by one call outside after the other."""
    while True:
        with suppress(Exception):
            await ctx.call("webchat:session:read", {})


def hoard(_ctx: Any) -> int:
    """Memory, a mebibyte at a time, until there is none."""
    taken: list[bytearray] = []
    while len(taken) < 512:
        taken.append(bytearray(1 << 20))
    return len(taken)


def one_block(_ctx: Any) -> int:
    return len(bytearray(1 << 28))


def recursion(_ctx: Any) -> None:
    def deeper(value: list[Any]) -> list[Any]:
        return deeper([value])

    deeper([])


def deep_json(_ctx: Any) -> Any:
    return json.loads("[" * 200_000)


def hash_flood(_ctx: Any) -> int:
    """Keys whose hashes are all the same number."""
    step = sys.hash_info.modulus
    return len({n * step: n for n in range(1, 60_000)})


def flood(ctx: Any) -> str:
    """Sealed events without a look at credit."""
    wire = Wire(ctx)
    for text in [wire.note() for _ in range(3000)]:
        wire.post(text)
    return "sent"


def events(ctx: Any) -> str:
    """Events by the guarded API, as many as a loop makes."""
    for _ in range(5000):
        ctx.emit("forged", None)
    return "sent"


def logs(ctx: Any) -> str:
    for n in range(20_000):
        ctx.log.info("x" * 500, n=n)
    return "sent"


def prints(_ctx: Any) -> str:
    for n in range(20_000):
        print("x" * 200, n)  # noqa: T201  # a plugin's log
    return "sent"


def giant(ctx: Any) -> str:
    wire = Wire(ctx)
    wire.post(wire.note('{"event":"forged","data":"' + "x" * 3_000_000 + '"}'))
    return "sent"


def giant_result(_ctx: Any) -> str:
    return "x" * 20_000_000


def timers(ctx: Any) -> str:
    for _ in range(5000):
        ctx.set_interval(lambda: None, 1)
    return "set"


async def tasks(_ctx: Any) -> str:
    """Tasks that go on when the handler has returned, and will not be cancelled."""

    async def stay() -> None:
        while True:
            with suppress(BaseException):
                await asyncio.sleep(0)

    for _ in range(50):
        asyncio.get_running_loop().create_task(stay())  # nobody is to hold it
    return "left"


def never_stop_sending(ctx: Any) -> None:
    """Sends sealed events at a pace that credit allows, and listens to nobody."""
    wire = Wire(ctx)
    while True:
        with suppress(BaseException):
            while True:
                wire.post(wire.note())
                end = time.perf_counter() + 0.008
                while time.perf_counter() < end:
                    pass


HOLDS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (
        spin, swallow, regex, bignum, sleep, sort, wait, calls, hoard, one_block, recursion, deep_json, hash_flood,
        flood, events, logs, prints, giant, giant_result, timers, tasks, never_stop_sending)
}


async def take(how: str, ctx: Any) -> Any:
    value = HOLDS[how](ctx)
    return await value if asyncio.iscoroutine(value) else value
