"""The layers inside the worker: the signal, the interrupt, the cancellation, and what an invocation leaves behind.

A busy loop is one that moves the clock itself and has the signal raised, as JavaScript would have it raised.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.limits import default
from pysandbox.plugin.runner import SOFT_MS
from tests.unit.joined.lab import Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = '''
import asyncio, signal, sys
from contextlib import contextmanager
from pysandbox.plugin import AbortError, AbortSignal, DeadlineExceeded, handler, on_memory_pressure, on_unload
seen = []
def burn(steps=100):
    for _ in range(steps):
        asyncio.get_running_loop().burn(10)
        signal.raise_signal(signal.SIGINT)
@contextmanager
def managed():
    try: yield
    finally: seen.append("closed")
@handler
def look(payload, ctx): return [*seen]
@handler
def busy(payload, ctx):
    with managed():
        try: burn()
        finally: seen.append("finally")
@handler
def catches(payload, ctx):
    try: burn()
    except DeadlineExceeded: return "caught"
@handler
async def waits(payload, ctx):
    try: await ctx.sleep(60000)
    finally: seen.append("finally")
@handler
async def goes_on(payload, ctx):
    try: await ctx.sleep(60000)
    except AbortError as error: return error.code
@handler
async def unguarded(payload, ctx):
    try: await asyncio.sleep(60)
    finally: seen.append("finally")
@handler
async def cleans_up_slowly(payload, ctx):
    try: await ctx.sleep(60000)
    finally:
        burn(payload)
        seen.append("clean")
@handler
async def busy_task(payload, ctx):
    async def work(): burn()
    await asyncio.create_task(work())
@handler
async def busy_listener(payload, ctx):
    ctx.signal.add_listener(burn)
    await ctx.sleep(60000)
@handler
async def spawns(payload, ctx):
    async def work():
        try: await asyncio.sleep(60)
        finally: seen.append("task ended")
    for _ in range(payload): asyncio.create_task(work())
    await asyncio.sleep(0)
@handler
async def sets_timers(payload, ctx):
    for _ in range(payload): asyncio.get_running_loop().call_later(1, seen.append, "late")
    ctx.set_interval(lambda: None, 50)
    ctx.signal.add_listener(lambda: None)
    ctx.cache.set("a", "b", ttl_s=60)
@handler
async def stubborn_task(payload, ctx):
    async def work():
        try: await asyncio.sleep(60)
        finally:
            try: burn()
            except DeadlineExceeded: seen.append("interrupted")
    asyncio.create_task(work())
    await asyncio.sleep(0)
@handler
async def times_out_itself(payload, ctx):
    mine = AbortSignal.timeout(20, ctx.set_timeout)
    both = AbortSignal.any([mine, ctx.signal])
    both.add_listener(lambda: seen.append("both"))
    await ctx.sleep(30)
    both.throw_if_aborted()
@handler
async def ticks(payload, ctx):
    ctx.set_interval(lambda: seen.append("tick"), 10)
    try: await ctx.sleep(60000)
    except AbortError: pass
    seen.append("aborted")
    await asyncio.sleep(0.02)
@handler
def big(payload, ctx): return "x" * payload
@handler
def logs(payload, ctx):
    for n in range(payload): ctx.log.info("z" * 90)
@on_unload
async def bye(ctx):
    seen.append("bye")
    if "stay" in seen: await ctx.sleep(60000)
@handler
def stay(payload, ctx): seen.append("stay")
@on_memory_pressure
def free(ctx): seen.append("freed")
'''


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The handler of SIGINT as it was."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


async def started(lab: Lab) -> str:
    handle = await lab.start()
    signal.signal(signal.SIGINT, lab.cell.runtime.interrupts.on_signal)
    return handle


def end_of(outcome: dict[str, Any]) -> tuple[str, str, str]:
    return outcome["status"], outcome.get("error", {}).get("code", ""), outcome.get("layer", "")


SOFT, COOPERATIVE = ("timeout", "PLUGIN_TIMEOUT", "soft"), ("timeout", "PLUGIN_TIMEOUT", "cooperative")
STOPS = {
    "busy": ("busy", None, SOFT, 0, ["finally", "closed"]),
    "busy, and catches it": ("catches", None, SOFT, 0, []),
    "a guarded wait": ("waits", None, COOPERATIVE, 0, ["finally"]),
    "answers late": ("goes_on", None, COOPERATIVE, 0, []),
    "an unguarded wait": ("unguarded", None, SOFT, SOFT_MS, ["finally"]),
    "cleans up for a while": ("cleans_up_slowly", 2, COOPERATIVE, 20, ["clean"]),
    "cleans up for too long": ("cleans_up_slowly", 100, SOFT, 40, []),
    "a busy task": ("busy_task", None, SOFT, 0, []),
    "a busy listener": ("busy_listener", None, SOFT, 40, []),
}  # fmt: skip


@pytest.mark.parametrize(("handler", "payload", "end", "late_ms", "seen"), STOPS.values(), ids=STOPS)
@in_virtual_time
async def test_at_the_deadline_it_is_stopped_and_its_worker_lives(
    tmp_path: Path, handler: str, payload: Any, end: tuple[str, str, str], late_ms: float, seen: list[str],
) -> None:  # fmt: skip
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        outcome = await lab.invoke(handler, payload, deadline_ms=300)
        assert end_of(outcome) == end
        assert outcome["durationMs"] == pytest.approx(300 + late_ms, abs=11)
        after = await lab.invoke("look")
        assert (after["value"], after["generation"]) == (seen, 1)


@in_virtual_time
async def test_an_interrupt_meets_only_the_invocation_that_is_overdue(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        first = lab.begin_invoke("waits", deadline_ms=150)[1]
        second = lab.begin_invoke("busy", deadline_ms=200)[1]
        assert end_of((await second)[1]) == SOFT
        assert end_of((await first)[1])[0] == "timeout"
        assert sorted((await lab.invoke("look"))["value"]) == ["closed", "finally", "finally"]


@in_virtual_time
async def test_an_import_past_its_time_is_interrupted(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE + "burn(1000)\n", declared=manifest(limits={"onLoadMs": 400})) as lab:
        await lab.open()
        loading = lab.ask("load", method="com.example.lab@1.0.0")[1]
        await lab.settled()
        signal.signal(signal.SIGINT, lab.cell.runtime.interrupts.on_signal)
        error = (await loading)[1]
        assert (error["code"], "onLoadMs" in error["message"]) == ("PLUGIN_TIMEOUT", True)


@in_virtual_time
async def test_an_aborted_handler_that_does_not_listen_is_cancelled(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        id, waiting = lab.begin_invoke("unguarded")
        await asyncio.sleep(0.1)
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        outcome = (await waiting)[1]
        assert end_of(outcome)[:2] == ("aborted", "PLUGIN_ABORTED")
        assert outcome["durationMs"] == pytest.approx(100 + SOFT_MS, abs=1)
        assert (await lab.invoke("look"))["value"] == ["finally"]


@in_virtual_time
async def test_timers_stop_at_the_abort(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        await lab.invoke("ticks", deadline_ms=35)
        assert (await lab.invoke("look"))["value"] == ["tick", "tick", "tick", "aborted"]


@in_virtual_time
async def test_a_signal_of_its_own_ends_a_handler_in_its_own_time(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        outcome = await lab.invoke("times_out_itself")
        assert (outcome["status"], outcome["durationMs"]) == ("timeout", pytest.approx(30, abs=1))
        assert (await lab.invoke("look"))["value"] == ["both"]


@in_virtual_time
async def test_tasks_end_with_the_invocation_that_began_them(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        assert (await lab.invoke("spawns", 5))["status"] == "ok"
        await lab.settled()
        assert (await lab.invoke("look"))["value"] == ["task ended"] * 5


@in_virtual_time
async def test_more_tasks_than_the_limit_are_refused_by_its_name(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=manifest(limits={"tasks": 3})) as lab:
        await started(lab)
        assert (await lab.invoke("spawns", 3))["status"] == "ok"
        outcome = await lab.invoke("spawns", 4)
        assert outcome["error"]["code"] == "RATE_LIMIT"
        assert "isolation.limits.tasks" in outcome["error"]["message"]
        await lab.settled()
        assert (await lab.invoke("spawns", 3))["status"] == "ok"
        assert {"tasks": 1} in [hits for kind, hits in lab.told if kind == "limits"]


@in_virtual_time
async def test_a_task_that_will_not_end_is_interrupted_where_it_is_busy(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        assert (await lab.invoke("stubborn_task"))["status"] == "ok"
        before = lab.now_ms()
        assert (await lab.invoke("look"))["value"] == ["interrupted"]
        assert lab.now_ms() - before < SOFT_MS + 15


@in_virtual_time
async def test_ten_thousand_timers_of_the_loop_end_with_their_invocation(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        assert (await lab.invoke("sets_timers", 10_000))["status"] == "ok"
        await asyncio.sleep(2)
        assert (await lab.invoke("look"))["value"] == []


@in_virtual_time
async def test_unload_tells_what_was_left_behind(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await started(lab)
        await lab.invoke("sets_timers", 1)
        await lab.invoke("spawns", 2)
        left = await lab.request("unload", to=handle)
        assert left == {"timers": 1, "listeners": 1, "tasks": 2, "calls": 0, "cacheEntries": 1, "cacheBytes": 4,
                        "error": None}  # fmt: skip


@in_virtual_time
async def test_an_on_unload_that_waits_too_long_is_stopped_and_told(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await started(lab)
        await lab.invoke("stay")
        before = lab.now_ms()
        left = await lab.request("unload", to=handle)
        assert left["error"].startswith("on_unload")
        assert lab.now_ms() - before == pytest.approx(default("onUnloadMs"), abs=2)


@in_virtual_time
async def test_under_pressure_the_hook_runs_and_memory_is_counted_afresh(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        lab.used_bytes = 60_000_000
        await lab.invoke("look")
        lab.used_bytes = 1_000_000
        await lab.settled()
        assert lab.cell.freshly_counted
        after = await lab.invoke("look")
        assert (after["value"], after["generation"]) == (["freed"], 1)


@in_virtual_time
async def test_a_result_beyond_its_limit_is_refused_by_its_name(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=manifest(limits={"resultChars": 2000})) as lab:
        await started(lab)
        assert (await lab.invoke("big", 1998))["status"] == "ok"
        error = (await lab.invoke("big", 1999))["error"]
        assert (error["code"], "isolation.limits.resultChars" in error["message"]) == ("MESSAGE_LIMIT", True)


@in_virtual_time
async def test_lines_beyond_the_rate_are_dropped_and_one_line_says_how_many(tmp_path: Path) -> None:
    limits = {"logBytesPerSecond": 2048, "logLinesPerInvocation": 2000}
    async with Lab(tmp_path, SOURCE, declared=manifest(limits=limits)) as lab:
        await started(lab)
        assert (await lab.invoke("logs", 1000))["status"] == "ok"
        await lab.settled()
        lines = [line for kind, line in lab.told if kind == "log"]
        assert 5 < len(lines) < 20
        assert lines[-1]["fields"] == {"limit": "logBytesPerSecond", "dropped": 1000 - (len(lines) - 1)}


@in_virtual_time
async def test_files_that_were_refused_are_told_by_the_limits_name(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await started(lab)
        assert lab.cell.file_limits == (default("fileBytes"), default("files"))
        lab.cell.refused = "fileBytes files"
        await lab.invoke("look")
        await lab.settled()
        assert [hits for kind, hits in lab.told if kind == "limits"][-1] == {"fileBytes": 1, "files": 1}
