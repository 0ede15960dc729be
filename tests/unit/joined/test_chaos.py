"""With faults at the port every call still ends, once, inside its window, and no fault of ours looks like an attack."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.limits import default
from tests.unit.joined.lab import HEAD, Lab
from tests.unit.joined.virtual_time import in_virtual_time

GRACE = default("graceMs")
SOURCE = HEAD + '''
@handler
async def evaluate(payload, ctx):
    ctx.progress(0.5)
    return await ctx.call("webchat:session:read", payload)
'''


async def _answers(args: Any) -> Any:
    await asyncio.sleep(0.01)
    return args


@pytest.mark.parametrize("chaos", ["drop=1,seed=1", "hang=1,seed=1", "latency=2000,seed=1"])
@in_virtual_time
async def test_a_call_that_cannot_be_answered_times_out_at_the_hard_limit(tmp_path: Path, chaos: str) -> None:
    async with Lab(tmp_path, SOURCE, chaos=chaos) as lab:
        await lab.start(webchat_session_read=_answers)
        outcome = await lab.invoke("evaluate", 1, deadline_ms=300)
        assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")
        assert 300 <= outcome["durationMs"] <= 300 + GRACE + 1
        assert lab.alerts == []


@in_virtual_time
async def test_a_late_answer_is_an_answer(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, chaos="latency=50,seed=1") as lab:
        await lab.start(webchat_session_read=_answers)
        outcome = await lab.invoke("evaluate", 1)
        assert (outcome["status"], outcome["value"]) == ("ok", 1)
        assert 200 <= outcome["durationMs"] <= 300  # four crossings of the port


@pytest.mark.parametrize("seed", range(5))
@in_virtual_time
async def test_a_hundred_calls_through_a_bad_port_all_end_in_time(tmp_path: Path, seed: int) -> None:
    async with Lab(tmp_path, SOURCE, chaos=f"latency=0-20,drop=0.05,hang=0.02,seed={seed}") as lab:
        await lab.start(webchat_session_read=_answers)
        seen: set[str] = set()
        for number in range(100):
            outcome = await lab.invoke("evaluate", number, deadline_ms=300)
            seen.add(outcome["status"])
            assert outcome["durationMs"] <= 300 + GRACE + 1
            assert outcome["status"] in ("ok", "timeout", "unavailable")
            if outcome["status"] == "ok":
                assert outcome["value"] == number
            await asyncio.sleep(0.5)
        assert {"ok", "timeout"} <= seen
        assert lab.alerts == []


@in_virtual_time
async def test_one_seed_gives_the_same_outcomes_again(tmp_path: Path) -> None:
    runs: list[list[str]] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        async with Lab(tmp_path / name, SOURCE, chaos="drop=0.1,hang=0.1,seed=3") as lab:
            await lab.start(webchat_session_read=_answers)
            runs.append([])
            for number in range(20):
                runs[-1].append((await lab.invoke("evaluate", number, deadline_ms=200))["status"])
                await asyncio.sleep(0.5)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1
