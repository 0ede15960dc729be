"""41, 42, 45-48 of a plugin in a process: each budget stops it, and with a wider one, the control, it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, Status
from pysandbox.invoker.jail import Walls
from tests.integration.invoker.lab import READ, has_ended, in_loop, lab
from tests.integration.invoker.test_attacks import attack

SOURCE = f"""
@handler
async def timers(payload, ctx):
    for _ in range(100):
        ctx.set_timeout(lambda: None, 60_000)
    return "set"

@handler
def logs(payload, ctx):
    for number in range(500):
        ctx.log.info("line")

@handler
async def stretches(payload, ctx):
    while True:
        try:
            await ctx.call("{READ}", None)
        except Exception:
            await asyncio.sleep(0.02)

@handler
async def forks(payload, ctx):
    async def tick():
        while True:
            ctx.emit("tick", None)
            await asyncio.sleep(0.02)
    asyncio.get_running_loop().create_task(tick())
    await asyncio.sleep(payload)

@handler
async def breaks(payload, ctx):
    for _ in range(16):
        ctx._services._world.post("no envelope", ())
    await asyncio.sleep(10)

@handler
def fine(payload, ctx):
    return "fine"
"""


@pytest.mark.parametrize(("most", "status"), [(64, Status.ERROR), (512, Status.OK)], ids=["walls", "control"])
@in_loop
async def test_timers_are_counted(most: int, status: Status) -> None:
    async with lab(SOURCE, limits={"timers": most}) as here:
        ended = await here.invoke("timers")
        assert ended.status is status, ended
        assert ended.error is None or ended.error.code is Code.RATE_LIMIT
        assert await here.value("fine") == "fine"


@pytest.mark.parametrize(("most", "heard"), [(200, 200), (1000, 500)], ids=["walls", "control"])
@in_loop
async def test_log_lines_are_counted(most: int, heard: int) -> None:
    async with lab(SOURCE, limits={"logLinesPerInvocation": most, "logBytesPerSecond": 1 << 20,
                                   "messagesPerSecond": 2000, "creditMessages": 256}) as here:  # fmt: skip
        await here.invoke("logs")
        lines = [told for told in here.told if told.kind == "log" and '"line"' in told.payload]
        assert 0 < len(lines) <= heard
        assert most == 200 or len(lines) > 200


@pytest.mark.parametrize("timeout_ms", [300, 1500], ids=["walls", "control"])
@in_loop
async def test_calls_do_not_stretch_a_deadline(timeout_ms: int) -> None:
    async with lab(SOURCE, limits={"callsPerInvocation": 1000}) as here:
        ended = await here.invoke("stretches", timeout_ms=timeout_ms)
        assert ended.status is Status.TIMEOUT, ended
        assert (ended.duration_ms >= 1400) == (timeout_ms == 1500)
        assert await here.value("fine") == "fine"


@in_loop
async def test_a_task_ends_with_the_call_that_left_it() -> None:
    async with lab(SOURCE) as here:

        def ticks() -> int:
            return sum(told.kind == "event" for told in here.told)

        await here.invoke("forks", 0.5)
        while_it_ran = ticks()
        assert while_it_ran >= 2, "the control: while its call runs it is heard"
        for _ in range(20):
            assert await here.value("fine") == "fine"
            await asyncio.sleep(0.02)
        assert ticks() <= while_it_ran + 1


@pytest.mark.parametrize(("restarts", "code"), [
    (1, Code.PLUGIN_CRASH_LOOP), (5, Code.PLUGIN_KILLED)], ids=["walls", "control"])
@in_loop
async def test_a_plugin_that_keeps_dying_is_left_alone(restarts: int, code: Code) -> None:
    async with lab(SOURCE, limits={"restarts": restarts}) as here:
        codes: list[Any] = []
        for _ in range(3):
            ended = await here.invoke("breaks")
            codes.append(ended.error and ended.error.code)
        assert codes[0] is Code.PLUGIN_KILLED
        assert codes[-1] is code


BOMB = """
say(String(Deno.pid));
const bombs = [];
try {
  for (let n = 0; n < 20; n++) bombs.push(new Worker("data:text/javascript,for(;;){}", { type: "module" }));
} catch { /* refused: then this loop is the bomb */ }
for (;;) {}
"""


@in_loop
async def test_a_bomb_of_workers_ends_with_its_process(tmp_path: Path) -> None:
    async with attack(tmp_path, BOMB, Walls(memory_limit=False)) as heard:  # which would end so many by itself
        pid = int(heard.said[0])
        assert not has_ended(pid), "the control: until it is killed it runs"
    assert has_ended(pid)
