"""What a plugin's process does when who started it is killed: it ends too, whether its plugin is idle or spins."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from pysandbox.invoker.jail import dying_with_parent
from tests.integration.invoker.lab import in_loop

ROOT = Path(__file__).parents[3]
STARTS = """
import asyncio, sys
from tests.integration.invoker.lab import lab

SOURCE = '''
@handler
async def idle(payload, ctx):
    ctx.emit("up", None)

@handler
async def spin(payload, ctx):
    await asyncio.sleep(0)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
'''

async def main(handler):
    async with lab(SOURCE) as here:
        await here.value("idle")
        print("up", flush=True)
        await here.invoke(handler)
        await asyncio.sleep(60)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("handler", ["idle", pytest.param("spin", marks=pytest.mark.skipif(
    not dying_with_parent(), reason="no setpriv here: a plugin that spins ends when its call does, or never"))])
@in_loop
async def test_it_ends_with_who_started_it(handler: str) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTS, handler, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert starter.stdout is not None
        assert await asyncio.wait_for(starter.stdout.readline(), 60) == b"up\n"
        started = [one for one in psutil.Process(starter.pid).children(recursive=True) if one.name() == "deno"]
        assert len(started) == 1, "the control: until then it runs"
        if handler == "spin":
            await _busy(started[0])
    finally:
        starter.kill()
        await starter.wait()
    async with asyncio.timeout(60):
        while started[0].is_running() and started[0].status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _busy(process: psutil.Process) -> None:
    """Until it takes processor time all the while."""
    async with asyncio.timeout(60):
        before = process.cpu_times().user
        while process.cpu_times().user < before + 0.5:  # noqa: ASYNC110 - no event tells of another's time
            await asyncio.sleep(0.05)
