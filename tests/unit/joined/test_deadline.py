"""Deadlines, aborts and kills: the outcome comes by the hard limit, and the next invocation finds a fresh worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.limits import default
from tests.unit.joined.lab import HEAD, NAME, READ, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

GRACE = default("graceMs")
SOURCE = HEAD + '''
from pysandbox.plugin import AbortError
@handler
async def hangs(payload, ctx):
    for _ in range(3):
        try: await asyncio.sleep(3600)
        except BaseException: pass
@handler
async def stubborn(payload, ctx):
    for _ in range(3):
        try: await asyncio.sleep(payload)
        except BaseException: pass
@handler
async def waits(payload, ctx):
    try: await ctx.sleep(payload)
    except AbortError: return "heard"
    return "done"
@handler
async def aborts(payload, ctx):
    await ctx.sleep(payload)
@handler
async def bad_listener(payload, ctx):
    def bad(): raise ValueError("listener")
    ctx.signal.add_listener(bad)
    await ctx.sleep(payload)
@handler
async def calls(payload, ctx): return await ctx.call("webchat:session:read")
@handler
def quick(payload, ctx): return payload
'''


async def never(_args: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("asked_ms", "hard_ms"), [(0, 1000), (300, 300), (99_999, 1000), (-5, 1000)])
@in_virtual_time
async def test_a_handler_that_never_ends_is_ended_at_the_hard_limit(
    tmp_path: Path, asked_ms: int, hard_ms: int,
) -> None:  # fmt: skip
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke("hangs", deadline_ms=asked_ms)
        assert (outcome["status"], outcome["error"]["code"], outcome["layer"]) == ("timeout", "PLUGIN_TIMEOUT", "hard")
        assert outcome["durationMs"] == pytest.approx(hard_ms + GRACE, abs=1)
        assert outcome["generation"] == 1
        assert lab.cells[1].ended
        after = await lab.invoke("quick", 1)
        assert (after["status"], after["generation"]) == ("ok", 2)


@in_virtual_time
async def test_other_invocations_end_as_killed_and_their_calls_are_withdrawn(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=never)
        late = lab.invoke("hangs", deadline_ms=200)
        others = [lab.invoke("hangs"), lab.invoke("calls")]
        outcomes = await asyncio.gather(late, *others)
        assert [outcome["status"] for outcome in outcomes] == ["timeout", "killed", "killed"]
        assert {outcome["error"]["code"] for outcome in outcomes[1:]} == {"PLUGIN_KILLED"}
        assert ("withdraw", "p1c1") in lab.told
        assert not lab.watchdog or {slot for slot, _ in lab.watchdog} == {2}


@in_virtual_time
async def test_nothing_of_an_ended_worker_is_heard_any_more(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await lab.invoke("hangs")
        await lab.invoke("quick")
        before = len(lab.alerts), len(lab.told)
        for text in (lab.cells[1].forge(2, "log", payload='"late"'), "dead", "[" * 99):
            lab.session.on_plugin(1, text)
        lab.session.on_gate(1, "overdraft", True)
        lab.session.on_expired(1, "1")
        lab.session.on_cell_failed(1, "BOOT_FAILED", "late")
        assert (len(lab.alerts), len(lab.told)) == before
        assert (await lab.invoke("quick", 2))["generation"] == 2


@in_virtual_time
async def test_an_invocation_during_a_respawn_waits_and_its_deadline_goes_on(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await lab.invoke("hangs")
        outcome = await lab.invoke("quick", 1)
        assert outcome["durationMs"] == pytest.approx(50, abs=5)
        assert (await lab.invoke("waits", 10))["value"] == "done"


@in_virtual_time
async def test_a_deadline_that_passes_before_the_worker_is_there_costs_no_worker(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await lab.invoke("hangs")
        lab.cells[2].BOOT_S = 0.0
        lab.boots = False
        lab.session.on_plugin(2, "dead")  # and its successor does not start
        outcomes = [await lab.invoke("quick", deadline_ms=50) for _ in range(5)]
        assert {(outcome["status"], outcome["layer"]) for outcome in outcomes} == {("timeout", "hard")}
        assert outcomes[0]["durationMs"] == pytest.approx(50 + GRACE, abs=1)
        assert max(lab.cells) == 3
        lab.cells[3].boot()
        assert (await lab.invoke("quick", 7))["value"] == 7


@in_virtual_time
async def test_a_result_that_crosses_the_watchdogs_word_leaves_a_living_plugin(tmp_path: Path) -> None:
    """The cell is gone although the invocation was settled: the host must not go on speaking to a dead port."""
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("quick", 1))["status"] == "ok"
        lab.expire(1, "1")
        outcome = await lab.invoke("quick", 2)
        assert (outcome["status"], outcome["generation"]) == ("ok", 2)


ABORTED = {
    "heard": ("waits", 600, 0), "uncaught": ("aborts", 600, 0), "in a call": ("calls", None, 0),
    "not heard": ("hangs", None, GRACE), "refused": ("stubborn", 3600, GRACE),
    "with a listener that raises": ("bad_listener", 600, 0),
}  # fmt: skip


@pytest.mark.parametrize(("handler", "payload", "after_ms"), ABORTED.values(), ids=ABORTED)
@in_virtual_time
async def test_an_aborted_invocation_ends_as_aborted_within_the_grace(
    tmp_path: Path, handler: str, payload: Any, after_ms: int,
) -> None:  # fmt: skip
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=never)
        id, waiting = lab.begin_invoke(handler, payload)
        await asyncio.sleep(0.2)
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        outcome = (await waiting)[1]
        assert (outcome["status"], outcome["error"]["code"]) == ("aborted", "PLUGIN_ABORTED")
        assert outcome["durationMs"] == pytest.approx(200 + after_ms, abs=1)
        assert outcome.get("layer", "") == ("hard" if after_ms else "")
        after = await lab.invoke("quick", 1)
        assert (after["status"], after["generation"]) == ("ok", 2 if after_ms else 1)


@in_virtual_time
@pytest.mark.parametrize("aborted", [True, False], ids=["aborted", "past its deadline"])
async def test_what_comes_while_another_has_its_grace_waits_and_does_not_die_with_it(
    tmp_path: Path, aborted: bool
) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        id, ending = lab.begin_invoke("hangs", deadline_ms=5000 if aborted else 100)
        await asyncio.sleep(0.11)
        if aborted:
            lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        waiting = [lab.begin_invoke("quick", number)[1] for number in range(3)]
        assert (await ending)[1]["layer"] == "hard"
        outcomes = [(await one)[1] for one in waiting]
        assert [(one["status"], one["generation"]) for one in outcomes] == [("ok", 2)] * 3
        assert max(lab.cells) == 2


@in_virtual_time
async def test_what_waited_for_the_end_of_another_goes_on_in_the_same_worker(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=never)
        id, ending = lab.begin_invoke("waits", 600)
        await asyncio.sleep(0.1)
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        _, waiting = lab.begin_invoke("quick", 1)
        assert (await ending)[1]["status"] == "aborted"
        after = (await waiting)[1]
        assert (after["status"], after["generation"]) == ("ok", 1)


@in_virtual_time
async def test_an_abort_in_the_grace_does_not_stretch_the_hard_limit(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        id, waiting = lab.begin_invoke("hangs", deadline_ms=100)
        await asyncio.sleep(0.19)
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        outcome = (await waiting)[1]
        assert outcome["durationMs"] == pytest.approx(100 + GRACE, abs=1)


@in_virtual_time
async def test_an_invocation_that_waits_for_a_worker_is_aborted_at_once(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await lab.invoke("hangs")
        id, waiting = lab.begin_invoke("quick")
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        assert (await waiting)[1]["status"] == "aborted"
        await asyncio.sleep(2)
        assert max(lab.cells) == 2


@in_virtual_time
async def test_an_abort_of_what_has_ended_changes_nothing(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        id, waiting = lab.begin_invoke("quick")
        await waiting
        lab.session.on_page("abort", id, "", "null", "p1", "", 0)
        assert (await lab.invoke("quick"))["generation"] == 1


@in_virtual_time
async def test_a_worker_killed_while_it_loads_fails_the_load_and_is_not_tried_again(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.open()
        _, loading = lab.ask("load", method=NAME)
        await lab.settled()
        lab.session.on_plugin(1, "dead")
        assert (await loading)[1]["code"] == "PLUGIN_KILLED"
        await asyncio.sleep(1)
        assert max(lab.cells) == 1


@in_virtual_time
async def test_respawns_that_die_again_and_again_end_in_a_crash_loop(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        for _ in range(default("restarts")):
            lab.session.on_plugin(max(lab.cells), "dead")
        outcome = await lab.invoke("quick")
        assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "PLUGIN_CRASH_LOOP")
        assert max(lab.cells) == default("restarts")


@in_virtual_time
async def test_an_on_load_past_its_limit_is_ended_by_the_hosts_own_clock(tmp_path: Path) -> None:
    source = SOURCE + "@on_load\nasync def start(ctx): await hangs(None, ctx)\n"
    async with Lab(tmp_path, source, declared=manifest(limits={"onLoadMs": 400})) as lab:
        await lab.open()
        started = lab.now_ms()
        assert (await lab.load())["code"] == "PLUGIN_TIMEOUT"
        assert lab.now_ms() - started == pytest.approx(400 + GRACE + 50, abs=20)


@in_virtual_time
async def test_unloading_ends_what_runs_and_the_cell(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await lab.start(webchat_session_read=never)
        running = [lab.begin_invoke("hangs")[1], lab.begin_invoke("calls")[1]]
        await asyncio.sleep(0.01)
        left = await lab.request("unload", to=handle)
        assert left["error"] == "its worker was ended for another call"
        assert {(await one)[1]["error"]["code"] for one in running} == {"PLUGIN_NOT_LOADED"}
        assert lab.cell.ended
        assert not lab.watchdog
        assert ("withdraw", "p1c1") in lab.told
        assert (await lab.invoke("quick"))["status"] == "unavailable"
        assert (await lab.request("unload", to=handle))["code"] == "PLUGIN_NOT_LOADED"
        assert (await lab.load())["handle"] == "p2"
        assert (await lab.invoke("quick", 3, to="p2"))["value"] == 3


@in_virtual_time
async def test_closing_ends_every_plugin_and_every_load_under_way(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        running = lab.begin_invoke("hangs")[1]
        booting = lab.ask("load", method=NAME)[1]
        await lab.settled()
        fetching = lab.ask("load", method=NAME)[1]
        assert await lab.request("close") == {}
        assert (await running)[1]["status"] == "unavailable"
        assert (await booting)[1]["code"] == "SESSION_CLOSED"
        assert (await fetching)[1]["code"] == "SESSION_CLOSED"
        assert all(cell.ended for cell in lab.cells.values())
        assert len(lab.cells) == 2


@in_virtual_time
async def test_two_plugins_of_one_session_do_not_share_a_fate(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=never)
        await lab.load()
        hangs = lab.invoke("hangs", to="p1")
        waits = lab.invoke("waits", 950, to="p2")
        first, second = await asyncio.gather(hangs, waits)
        assert (first["status"], second["value"]) == ("timeout", "done")
        await lab.request("revoke", to="p1", method=READ)
        _, calling = lab.begin_invoke("calls", to="p2")
        assert (await lab.invoke("calls", to="p1"))["status"] == "denied"
        assert (await calling)[1]["status"] == "timeout"
