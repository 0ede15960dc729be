"""Invocations: every one of them ends in exactly one outcome, and the outcome says what happened.

"Exactly one" is the lab's own check: a second outcome for an id is a KeyError in the page.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.joined.lab import HEAD, PROXY, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

TALKATIVE = manifest(limits={"eventsPerInvocation": 2000})
SOURCE = HEAD + '''
import os
from pysandbox.plugin import AbortError, CallError, PermissionDenied
from pysandbox.core.errors import Code, SandboxError

@handler
def plain(payload, ctx): return {"got": payload}
@handler
async def waits(payload, ctx):
    await ctx.sleep(20)
    return {"got": payload}
@handler
async def at_once(payload, ctx): return {"got": payload}
@handler("dotted.name-1")
def dotted(payload, ctx): return 1
@handler
def returns(payload, ctx): return {
    "set": {1}, "nan": float("nan"), "keys": {1: 2}, "surrogate": "\\ud800", "future": ctx.signal,
    "big": "x" * 1_100_000}[payload]
@handler
def deep(payload, ctx):
    value = []
    for _ in range(payload): value = [value]
    return value
@handler
def raises(payload, ctx):
    raise {
        "value": ValueError("odd\\ud800"), "exit": SystemExit(1), "interrupt": KeyboardInterrupt(),
        "base": BaseException("b"),
        "memory": MemoryError(), "denied": PermissionDenied("a:b:c"), "call": CallError(Code.CAPABILITY_FAILED, "c"),
        "abort": AbortError("mine"), "foreign": SandboxError(Code.HOST_CRASHED, "not mine"),
        "cancelled": asyncio.CancelledError()}[payload]
@handler
def recurses(payload, ctx): return recurses(payload, ctx)
@handler
def talks(payload, ctx):
    for n in range(payload): ctx.emit("n", n)
    return payload
@handler
async def progresses(payload, ctx):
    ctx.progress(0.5, "half")
    ctx.log.warning("look", n=1)
    return ctx.remaining_ms
@handler
def bad_progress(payload, ctx): ctx.progress(payload)
kept = []
@handler
def keeps(payload, ctx): kept.append(ctx)
@handler
def uses_kept(payload, ctx):
    try: kept[0].emit("late")
    except AbortError as error: return error.message
@handler
async def timers(payload, ctx):
    seen = []
    ctx.set_timeout(lambda: seen.append("once"), 5)
    ctx.set_interval(lambda: seen.append("tick"), 1)
    async def more(): seen.append("async")
    ctx.set_timeout(more, 7)
    def bad(): 1/0
    ctx.set_timeout(bad, 8)
    ctx.set_timeout(lambda: kept.append("too late"), 500)
    ctx.set_timeout(lambda: seen.append("cancelled"), 9).cancel()
    await ctx.sleep(35)
    return seen
@handler
def too_many_timers(payload, ctx):
    for _ in range(payload): ctx.set_timeout(print, 1)
@handler
async def task_of_a_timer(payload, ctx):
    async def long():
        try: await asyncio.sleep(3600)
        finally: kept.append("ended")
    ctx.set_timeout(long, 1)
    await ctx.sleep(10)
    return len(kept)
@handler
def kept_count(payload, ctx): return len(kept)
@handler
async def left_behind(payload, ctx):
    async def call():
        try: await ctx.sleep(3600)
        except asyncio.CancelledError: kept.append("ended")
    kept.append(asyncio.ensure_future(call()))
    await asyncio.sleep(0)
@handler
def logs(payload, ctx):
    for n in range(payload): ctx.log.info(f"line {n}")
@handler
def remembers(payload, ctx):
    ctx.cache.set("n", ctx.cache.get("n", 0) + 1, ttl_s=9)
    return ctx.cache.get("n")
'''


@pytest.mark.parametrize("handler", ["plain", "waits", "at_once"])
@pytest.mark.parametrize("payload", [
    None, 0, "text", "\u2028\U0001f600", {"__proto__": {"constructor": 1}}, [[], {}, 1.5, True], "x" * 900_000,
    {f"k{n}": n for n in range(1000)}])  # fmt: skip
@in_virtual_time
async def test_a_handlers_value_comes_back_as_it_was(tmp_path: Path, handler: str, payload: Any) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke(handler, payload, cid="c:1")
        assert not lab.watchdog
    assert outcome["value"] == {"got": payload}
    assert outcome["status"] == "ok"
    assert outcome["correlationId"] == "c:1"
    assert outcome["memory"] == {"bytes": 1_000_000, "peakBytes": 2_000_000, "source": "plugin-allocator"}
    assert outcome["generation"] == 1
    assert outcome["durationMs"] == pytest.approx(20 if handler == "waits" else 0, abs=1)


FAILURES = {
    "no such handler": ("nope", None, "error", "HANDLER_NOT_FOUND", "no handler 'nope'; this plugin has: at_once"),
    "no handler's name": ("no name", None, "error", "HANDLER_NOT_FOUND", "'no name'"),
    "dunder is no road": ("__class__", None, "error", "HANDLER_NOT_FOUND", "__class__"),
    "set": ("returns", "set", "error", "RESULT_NOT_JSON", "$ is a set"),
    "nan": ("returns", "nan", "error", "RESULT_NOT_JSON", "NaN"),
    "number keys": ("returns", "keys", "error", "RESULT_NOT_JSON", "int"),
    "lone surrogate": ("returns", "surrogate", "error", "RESULT_NOT_JSON", "surrogate"),
    "object": ("returns", "future", "error", "RESULT_NOT_JSON", "AbortSignal"),
    "too large": ("returns", "big", "error", "MESSAGE_LIMIT", "resultChars"),
    "too deep": ("deep", 40, "error", "MESSAGE_LIMIT", "deeper"),
    "raises": ("raises", "value", "error", "PLUGIN_ERROR", "ValueError: odd?"),
    "exits": ("raises", "exit", "error", "PLUGIN_ERROR", "SystemExit"),
    "interrupt": ("raises", "interrupt", "error", "PLUGIN_ERROR", "KeyboardInterrupt"),
    "past Exception": ("raises", "base", "error", "PLUGIN_ERROR", "BaseException: b"),
    "cancels itself": ("raises", "cancelled", "error", "PLUGIN_ERROR", "cancelled itself"),
    "memory": ("raises", "memory", "error", "MEMORY_LIMIT", "out of memory"),
    "denied": ("raises", "denied", "denied", "PERMISSION_DENIED", "a:b:c"),
    "failed call": ("raises", "call", "error", "CAPABILITY_FAILED", "c"),
    "aborted by nobody": ("raises", "abort", "error", "PLUGIN_ERROR", "mine"),
    "a code of the host's": ("raises", "foreign", "error", "PLUGIN_ERROR", "not mine"),
    "endless recursion": ("recurses", None, "error", "PLUGIN_ERROR", "RecursionError"),
    "progress out of range": ("bad_progress", 2, "error", "PLUGIN_ERROR", "fraction from 0 to 1"),
    "payload too deep": ("plain", json.loads("[" * 33 + "]" * 33), "error", "MESSAGE_LIMIT", "deeper"),
    "payload too large": ("plain", "x" * 1_100_000, "error", "MESSAGE_LIMIT", "messageChars"),
    "payload with too many keys": ("plain", {f"k{n}": n for n in range(1001)}, "error", "MESSAGE_LIMIT", "keys"),
    "payload that is no text": ("plain", "\ud800", "error", "INPUT_INVALID", "payload"),
    "too many timers": ("too_many_timers", 65, "error", "RATE_LIMIT", "timers"),
}  # fmt: skip


@pytest.mark.parametrize(("handler", "payload", "status", "code", "message"), FAILURES.values(), ids=FAILURES)
@in_virtual_time
async def test_a_failure_has_its_code_and_the_plugin_lives_on(
    tmp_path: Path, handler: str, payload: Any, status: str, code: str, message: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke(handler, payload)
        assert (outcome["status"], outcome["error"]["code"]) == (status, code)
        assert message in outcome["error"]["message"]
        assert not lab.watchdog
        after = await lab.invoke("plain", 1)
        assert (after["status"], after["generation"]) == ("ok", 1)
        assert not lab.alerts


@in_virtual_time
async def test_a_name_with_dots_and_dashes_is_a_handlers(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("dotted.name-1"))["value"] == 1


@in_virtual_time
async def test_a_correlation_id_that_could_break_an_envelope_is_refused(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke("plain", cid='x","kind":"')
        assert outcome["status"] == "error"
        assert outcome["correlationId"] == 'x","kind":"'


@in_virtual_time
async def test_a_plugin_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke("plain", to="p2")
        assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "PLUGIN_NOT_LOADED")


@in_virtual_time
async def test_many_invocations_run_side_by_side_and_one_too_many_is_refused(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcomes = await asyncio.gather(*(lab.invoke("waits", n) for n in range(33)))
    assert [outcome["status"] for outcome in outcomes] == ["ok"] * 32 + ["error"]
    assert outcomes[32]["error"]["code"] == "RATE_LIMIT"
    assert [outcome["value"]["got"] for outcome in outcomes[:32]] == list(range(32))


@in_virtual_time
async def test_a_smaller_message_limit_of_the_manifest_is_an_error_and_no_violation(tmp_path: Path) -> None:
    declared = manifest(limits={"messageChars": 4096})
    async with Lab(tmp_path, SOURCE, declared=declared) as lab:
        await lab.start()
        assert (await lab.invoke("talks", 1))["status"] == "ok"
        assert (await lab.invoke("returns", "big"))["error"]["code"] == "MESSAGE_LIMIT"
        assert (await lab.invoke("plain", "x" * 5000))["error"]["code"] == "MESSAGE_LIMIT"
        assert not lab.alerts


@pytest.mark.parametrize("count", [1, 64, 65, 300])
@in_virtual_time
async def test_events_beyond_the_credit_wait_for_it_and_arrive_in_order(tmp_path: Path, count: int) -> None:
    async with Lab(tmp_path, SOURCE, declared=TALKATIVE) as lab:
        await lab.start()
        assert (await lab.invoke("talks", count))["value"] == count
        await asyncio.sleep(2)
        assert [event["data"] for kind, event in lab.told if kind == "event"] == list(range(count))
        assert not lab.alerts


@in_virtual_time
async def test_events_beyond_the_budget_are_refused_in_the_worker_and_dropped_behind_it(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        refused = (await lab.invoke("talks", 250))["error"]
        assert (refused["code"], "isolation.limits.eventsPerInvocation" in refused["message"]) == ("RATE_LIMIT", True)
        runtime = lab.cell.runtime
        for n in range(49):
            runtime.tell("event", "cid-1", f'{{"event":"forged","data":{n}}}')
        await asyncio.sleep(2)
        assert (await lab.invoke("talks", 1))["status"] == "ok"
        await lab.settled()
        assert [event["data"] for kind, event in lab.told if kind == "event"] == [*range(200), 0]
        assert [hits for kind, hits in lab.told if kind == "limits"] == [{"eventsPerInvocation": 50}]


@in_virtual_time
async def test_credit_is_given_back_no_faster_than_the_rate(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=TALKATIVE) as lab:
        await lab.start()
        for _ in range(5):
            await lab.invoke("talks", 500)
        before = len(lab.told)
        await asyncio.sleep(1)
        assert 500 - 64 <= len(lab.told) - before <= 500 + 64


@in_virtual_time
async def test_progress_log_and_remaining_time_reach_the_page(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("progresses", deadline_ms=400))["value"] == 400
        await lab.settled()
        assert ("progress", {"invocation": "1", "fraction": 0.5, "message": "half"}) in lab.told
        assert ("log", {"level": "warning", "message": "look", "fields": {"n": 1}}) in lab.told


@in_virtual_time
async def test_log_lines_beyond_the_budget_are_dropped(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("logs", 5000))["status"] == "ok"
        await asyncio.sleep(2)
        lines = [line["message"] for kind, line in lab.told if kind == "log"]
    assert len(lines) == 200 + 1
    assert "the last line" in lines[-2]
    assert lines[-1] == "isolation.limits.logLinesPerInvocation was reached"


@in_virtual_time
async def test_what_is_printed_goes_to_the_log_and_never_stops_the_plugin(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        for n in range(5000):
            lab.cell.runtime.write_output("stdout", f"n {n}")
        lab.cell.runtime.write_output("stderr", "   ")
        await asyncio.sleep(1)
        lines = [line for kind, line in lab.told if kind == "log"]
        assert lines[0] == {"level": "info", "message": "n 0", "fields": {"stream": "stdout"}}
        assert 64 < len(lines) < 300


@in_virtual_time
async def test_a_context_is_of_no_use_when_its_invocation_has_ended(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await lab.invoke("keeps")
        assert "has ended" in (await lab.invoke("uses_kept"))["value"]


@in_virtual_time
async def test_timers_run_in_time_and_end_with_the_invocation(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        seen = (await lab.invoke("timers"))["value"]
        assert seen == ["once", "async", "tick", "tick", "tick"]
        await asyncio.sleep(1)
        assert (await lab.invoke("kept_count"))["value"] == 0
        assert any("ZeroDivisionError" in line["message"] for kind, line in lab.told if kind == "log")


@in_virtual_time
async def test_tasks_of_timers_and_calls_left_behind_end_with_the_invocation(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("task_of_a_timer"))["value"] == 0
        assert (await lab.invoke("kept_count"))["value"] == 1
        await lab.invoke("left_behind")
        await lab.settled()
        assert (await lab.invoke("kept_count"))["value"] == 3


@in_virtual_time
async def test_the_cache_lives_as_long_as_the_worker(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert [(await lab.invoke("remembers"))["value"] for _ in range(3)] == [1, 2, 3]


@in_virtual_time
async def test_the_proxy_says_that_there_are_no_routes(tmp_path: Path) -> None:
    source = HEAD + "@handler\nasync def go(payload, ctx):\n    return await ctx.proxy.post('/proxy/x', json={})\n"
    async with Lab(tmp_path, source) as lab:
        assert PROXY in lab.gateway.session["grants"]
        await lab.start()
        outcome = await lab.invoke("go")
        assert (outcome["status"], outcome["error"]["code"]) == ("error", "ROUTE_NOT_FOUND")


@in_virtual_time
async def test_a_smaller_credit_of_the_manifest_holds_at_both_ends(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=manifest(limits={"creditMessages": 8})) as lab:
        await lab.start()
        assert lab.cell.credit < 8 + 8
        assert (await lab.invoke("talks", 100))["value"] == 100
        await asyncio.sleep(2)
        assert len([kind for kind, _ in lab.told if kind == "event"]) == 100
        assert not lab.alerts


@in_virtual_time
async def test_a_smaller_rate_of_the_manifest_holds(tmp_path: Path) -> None:
    limits = {"messagesPerSecond": 20, "creditMessages": 8, "eventsPerInvocation": 2000}
    async with Lab(tmp_path, SOURCE, declared=manifest(limits=limits)) as lab:
        await lab.start()
        await lab.invoke("talks", 500)
        await asyncio.sleep(1)
        before = len(lab.told)
        await asyncio.sleep(5)
        assert 80 <= len(lab.told) - before <= 120
