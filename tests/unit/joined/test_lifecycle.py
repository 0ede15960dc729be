"""A plugin's life: drained, evicted, suspended, blocked; what its permissions and its memory do meanwhile."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.breaker import Breaker
from pysandbox.core.broker.budgets import pressure_bytes
from pysandbox.core.limits import default
from tests.unit.joined.lab import HEAD, NAME, READ, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + '''
count = 0

@handler
def counts(payload, ctx):
    global count
    count += 1
    return count

@handler
async def waits(ms, ctx):
    await ctx.sleep(ms)
    return "done"

@handler
async def calls(payload, ctx):
    return await ctx.call("webchat:session:read", payload)
'''
NO_MORE = default("maxLive")
PRESSED = pressure_bytes(64, default("memoryPressurePercent")) + 1


def states(lab: Lab) -> list[str]:
    return [told["state"] for told in lab.states]


async def dies(lab: Lab, times: int = 1) -> None:
    for _ in range(times):
        lab.cell.post("dead")
        await lab.settled()
        await asyncio.sleep(0.1)


@in_virtual_time
async def test_a_plugin_that_keeps_dying_rests_and_is_tried_again(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await dies(lab, default("restarts"))
        assert states(lab)[-1] == "suspended"
        assert len(lab.cells) == default("restarts")
        refused = await lab.invoke("counts")
        assert (refused["status"], refused["error"]["code"]) == ("unavailable", "PLUGIN_CRASH_LOOP")
        assert refused["error"]["retryable"]
        await asyncio.sleep(default("backoffBaseMs") / 1000)
        assert (await lab.invoke("counts"))["value"] == 1
        assert states(lab)[-3:] == ["suspended", "loading", "ready"]


@in_virtual_time
async def test_control_without_the_rest_workers_are_started_without_end(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaker, "failed", lambda *_: None)
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await dies(lab, 10 * default("restarts"))
        assert len(lab.cells) > 10 * default("restarts")
        assert "suspended" not in states(lab)


@in_virtual_time
async def test_one_call_is_the_probe_and_each_failure_doubles_the_rest(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        await dies(lab, default("restarts"))
        await asyncio.sleep(default("backoffBaseMs") / 1000)
        probe, second = lab.begin_invoke("counts")[1], await lab.invoke("counts")
        assert second["error"]["code"] == "PLUGIN_CRASH_LOOP"
        await dies(lab)
        assert (await probe)[1]["status"] == "killed"
        await asyncio.sleep(default("backoffBaseMs") / 1000 * 0.9)
        assert (await lab.invoke("counts"))["status"] == "unavailable"
        await asyncio.sleep(default("backoffBaseMs") / 1000 * 1.2)
        assert (await lab.invoke("counts"))["status"] == "ok"


@in_virtual_time
async def test_a_call_that_ends_well_makes_the_count_start_again(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        for _ in range(3 * default("restarts")):
            await dies(lab)
            assert (await lab.invoke("counts"))["value"] == 1
        assert "suspended" not in states(lab)


@in_virtual_time
async def test_the_least_recently_used_idle_plugin_makes_room(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        for _ in range(NO_MORE - 1):
            await lab.load()
        for number in (1, *range(3, NO_MORE + 1)):
            assert (await lab.invoke("counts", to=f"p{number}"))["value"] == 1
        await lab.load()
        alive = [cell for cell in lab.cells.values() if not cell.ended]
        assert len(alive) == NO_MORE
        assert lab.cells[2].ended
        assert (await lab.invoke("counts", to="p1"))["value"] == 2
        assert (await lab.invoke("counts", to="p2"))["value"] == 1  # loaded again, its memory lost
        assert len([cell for cell in lab.cells.values() if not cell.ended]) == NO_MORE


@in_virtual_time
async def test_where_all_are_busy_a_load_waits_for_the_first_that_is_not(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        for _ in range(NO_MORE - 1):
            await lab.load()
        busy = [lab.begin_invoke("waits", 100 * number, to=f"p{number}")[1] for number in range(1, NO_MORE)]
        busy.append(lab.begin_invoke("waits", 950, to=f"p{NO_MORE}")[1])
        loading = asyncio.create_task(lab.load())
        await lab.settled()
        assert len(lab.cells) == NO_MORE
        assert (await loading)["handle"] == f"p{NO_MORE + 1}"
        assert lab.cells[1].ended
        assert [(await one)[1]["status"] for one in busy] == ["ok"] * NO_MORE


@in_virtual_time
async def test_an_idle_plugin_gives_its_worker_up_and_the_next_call_loads_it(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=manifest(limits={"idleMs": 2000})) as lab:
        await lab.start()
        for _ in range(4):
            await asyncio.sleep(1)
            await lab.invoke("counts")
        assert len(lab.cells) == 1
        await asyncio.sleep(2.5)
        assert lab.cell.ended
        assert lab.states[-2:] == [
            {"state": "draining", "generation": 1, "reason": "idle"}, {"state": "registered", "generation": 1}]
        assert (await lab.invoke("counts"))["value"] == 1


@in_virtual_time
async def test_a_blocked_version_ends_in_open_pages(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        blocked: list[str] = []

        async def changes(since: int) -> tuple[int, bytes]:
            await asyncio.sleep(0.5)
            return 200, json.dumps({"revision": since + 1, "blocked": blocked}).encode()

        lab.gateway.changes = changes
        await lab.start()
        running = lab.begin_invoke("waits", 900)[1]
        blocked.append(NAME)
        outcome = (await running)[1]
        assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "PLUGIN_BLOCKED")
        assert lab.cell.ended
        assert (await lab.invoke("counts"))["error"]["code"] == "PLUGIN_BLOCKED"
        blocked.clear()
        await asyncio.sleep(1.1)
        assert (await lab.invoke("counts"))["value"] == 1
        await lab.request("close")


@in_virtual_time
async def test_a_revoked_permission_ends_the_call_that_waits_for_it(tmp_path: Path) -> None:
    async def slow(_args: Any) -> str:
        await asyncio.sleep(0.5)
        return "secret"

    async with Lab(tmp_path, SOURCE) as lab:
        handle = await lab.start(webchat_session_read=slow)
        started = lab.now_ms()
        calling = lab.begin_invoke("calls")[1]
        await lab.settled()
        await lab.request("revoke", to=handle, method=READ)
        outcome = (await calling)[1]
        assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED")
        assert lab.now_ms() - started < 100
        assert ("withdraw", "p1c1") in lab.told
        await asyncio.sleep(1)
        assert not any("secret" in text for text in lab.cell.received)


@in_virtual_time
async def test_the_answer_to_a_call_that_was_given_up_frees_its_place_at_once(tmp_path: Path) -> None:
    source = SOURCE + '''
@handler
async def gives_up(times, ctx):
    for _ in range(times):
        try:
            await asyncio.wait_for(ctx.call("webchat:session:read"), 0.005)
        except TimeoutError:
            pass
    return "free"
'''

    async def never(_args: Any) -> None:
        await asyncio.Event().wait()

    async with Lab(tmp_path, source) as lab:
        await lab.start(webchat_session_read=never)
        assert (await lab.invoke("gives_up", 2 * default("callsPending")))["value"] == "free"


@in_virtual_time
async def test_memory_pressure_that_stays_gives_the_plugin_a_fresh_worker(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        lab.used_bytes = PRESSED
        assert (await lab.invoke("counts"))["value"] == 1
        await lab.settled()
        lab.used_bytes = 1_000_000
        await asyncio.sleep(0.2)
        assert lab.cells[1].ended
        assert {"state": "draining", "generation": 1, "reason": "memory"} in lab.states
        assert (await lab.invoke("counts"))["value"] == 1
        assert [hits for kind, hits in lab.told if kind == "limits"] == [{"memoryPressurePercent": 1}]


@in_virtual_time
async def test_memory_pressure_that_the_hook_relieves_changes_nothing(tmp_path: Path) -> None:
    source = SOURCE.replace("on_load\n", "on_load, on_memory_pressure\n", 1) + '''
freed = []

@on_memory_pressure
def free(ctx):
    freed.append(1)

@handler
def was_freed(payload, ctx):
    return len(freed)
'''
    async with Lab(tmp_path, source) as lab:
        await lab.start()
        lab.used_bytes = PRESSED
        invoked = lab.begin_invoke("counts")[1]
        await invoked
        lab.used_bytes = 1_000_000
        await lab.settled()
        assert (await lab.invoke("was_freed"))["value"] == 1
        assert len(lab.cells) == 1


@in_virtual_time
async def test_unload_runs_the_hook_and_tells_what_was_left(tmp_path: Path) -> None:
    source = SOURCE.replace("on_load\n", "on_load, on_unload\n", 1) + '''
@on_unload
def stop(ctx):
    ctx.log.info("bye")

@handler
def keeps(payload, ctx):
    ctx.cache.set("a", [1, 2], ttl_s=60)
'''
    async with Lab(tmp_path, source) as lab:
        handle = await lab.start()
        await lab.invoke("keeps")
        left = await lab.request("unload", to=handle)
        assert (left["cacheEntries"], left["error"]) == (1, None)
        assert any(kind == "log" and told["message"] == "bye" for kind, told in lab.told)
        assert states(lab)[-3:] == ["draining", "registered", "unloaded"]
        assert lab.cell.ended


STUBBORN = SOURCE.replace("on_load\n", "on_load, on_unload\n", 1) + '''
@on_unload
async def stop(ctx):
    for _ in range(3):
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass
'''


@in_virtual_time
async def test_an_on_unload_that_never_returns_is_bounded(tmp_path: Path) -> None:
    async with Lab(tmp_path, STUBBORN) as lab:
        handle = await lab.start()
        started = lab.now_ms()
        left = await lab.request("unload", to=handle)
        assert left["error"]
        assert lab.now_ms() - started < default("onUnloadMs") + default("graceMs") + 20
        assert lab.cell.ended
        assert not lab.watchdog


@in_virtual_time
async def test_control_without_the_watchdog_it_holds_its_worker_for_hours(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "arm", lambda *_: None)
    async with Lab(tmp_path, STUBBORN) as lab:
        handle = await lab.start()
        started = lab.now_ms()
        await lab.request("unload", to=handle)
        assert lab.now_ms() - started > 3_600_000


@in_virtual_time
async def test_two_unloads_of_one_plugin_are_both_answered(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await lab.start()
        answers = await asyncio.gather(lab.request("unload", to=handle), lab.request("unload", to=handle))
        assert answers[0] == answers[1]
        assert {"timers", "cacheEntries", "error"} <= answers[0].keys()


@pytest.mark.parametrize("kind", ["abort", "result", "error"])
@in_virtual_time
async def test_a_word_to_a_plugin_that_is_gone_is_answered_by_nobody(tmp_path: Path, kind: str) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await lab.start()
        await lab.request("unload", to=handle)
        _, answer = lab.ask(kind, to=handle)
        await lab.settled()
        assert not answer.done()
