"""Plugins that compute for too long, in Python and in C, and do not want to be stopped."""

from __future__ import annotations

import gc
import re
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import kept

from pysandbox.plugin import Context, handler


@handler
def loop(_payload: Any, _ctx: Context) -> None:
    while True:
        pass


@handler
def loop_that_catches_errors(_payload: Any, _ctx: Context) -> None:
    while True:
        try:
            sum(range(100))
        except Exception:  # noqa: BLE001 - what many a worker loop does
            continue


@handler
def loop_that_catches_everything(_payload: Any, _ctx: Context) -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - it refuses every request to stop
            continue


@handler
def loop_in_finally(_payload: Any, _ctx: Context) -> None:
    try:
        while True:
            pass
    finally:
        while True:
            pass


class Clings:
    """Loops when it is destroyed."""

    def __del__(self) -> None:
        while True:
            pass


@handler
def loop_in_del(_payload: Any, _ctx: Context) -> str:
    clings = Clings()
    del clings
    return "deleted"


@handler
def loop_in_generator_close(_payload: Any, _ctx: Context) -> None:
    def clings() -> Generator[int]:
        try:
            yield 1
        finally:
            while True:
                pass

    generator = clings()
    next(generator)
    generator.close()


@handler
def loop_behind_ignored_signals(_payload: Any, _ctx: Context) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pass


@handler
def loop_behind_a_trace(_payload: Any, _ctx: Context) -> None:
    """Its tracer spins as soon as an exception shows up."""

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:
        while event == "exception":
            pass
        return trace

    def traced() -> None:
        while True:
            pass

    sys.settrace(trace)
    traced()


@handler
def regular_expression(_payload: Any, _ctx: Context) -> bool:
    return re.match(r"(a+)+$", "a" * 60 + "b") is not None


@handler
def sleep(_payload: Any, _ctx: Context) -> None:
    time.sleep(60)


@handler
def power(_payload: Any, _ctx: Context) -> int:
    return (3**30_000_000).bit_length()


@handler
def number_to_text(_payload: Any, _ctx: Context) -> None:
    """One number that takes as long would run out of memory before it runs out of time."""
    sys.set_int_max_str_digits(0)
    while True:
        str(1 << 10_000_000)
        gc.collect()  # each leaves its powers of ten in a cycle


@handler
def summing(_payload: Any, _ctx: Context) -> int:
    return sum(range(10**10))


@handler
def sorting(_payload: Any, _ctx: Context) -> list[Any]:
    """Each comparison walks 50,000 equal numbers, all of it in C."""
    one, other = (tuple(range(1000, 51_000)) for _ in range(2))
    pairs = [((one, other)[n % 2], n * 7919 % 10_007) for n in range(10_000)]
    pairs.sort()
    return [number for _, number in pairs]


@handler
def collisions(_payload: Any, _ctx: Context) -> int:
    """Every number has the same hash in a 32-bit interpreter, so each insertion walks all before it."""
    return len(set(range(0, (2**31 - 1) * 100_000, 2**31 - 1)))


@contextmanager
def written_down(name: str) -> Generator[None]:
    kept.notes.append(f"{name} entered")
    try:
        yield
    finally:
        kept.notes.append(f"{name} left")


@handler
def loop_with_clean_up(_payload: Any, _ctx: Context) -> None:
    with written_down("manager"):
        try:
            while True:
                pass
        except BaseException as error:
            kept.notes.append(f"caught {type(error).__name__}")
            raise
        finally:
            kept.notes.append("finally")


@handler
async def wait_with_clean_up(_payload: Any, ctx: Context) -> None:
    with written_down("manager"):
        try:
            await ctx.sleep(60_000)
        finally:
            kept.notes.append("finally")
