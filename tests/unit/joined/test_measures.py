"""What is measured about a plugin: its spans on the timeline, and the memory that only the browser sees."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pysandbox.core.limits import LIMITS, MIB, default
from tests.unit.joined.lab import HEAD, NAME, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + """
@handler
async def waits(ms, ctx):
    await ctx.sleep(ms)
    return "done"
"""


@in_virtual_time
async def test_the_load_and_each_call_are_spans_as_long_as_they_took(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        [(load, load_ms, cid)] = lab.spans
        assert (load, cid) == (f"pysandbox load {NAME}", "")
        assert load_ms > 0
        outcome = await lab.invoke("waits", 70)
        name, lasted_ms, cid = lab.spans[-1]
        assert (name, cid) == (f"pysandbox call {NAME} waits", outcome["correlationId"])
        assert lasted_ms == round(outcome["durationMs"]) >= 70


@in_virtual_time
async def test_a_call_that_fails_is_a_span_too_and_its_name_is_bounded(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("x" * 5000))["status"] == "error"
        assert lab.spans[-1][0] == f"pysandbox call {NAME} {'x' * 64}"


@in_virtual_time
async def test_a_worker_with_too_much_outside_its_memory_is_ended_and_replaced(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        running = asyncio.ensure_future(lab.invoke("waits", 1000))
        await asyncio.sleep(0.1)
        most_bytes = (LIMITS["memoryLimitMB"].default + default("jsMemoryMB")) * MIB
        lab.session.on_cell_measured(1, most_bytes)
        assert not lab.cells[1].ended
        lab.session.on_cell_measured(1, most_bytes + 1)
        outcome = await running
        assert (outcome["status"], outcome["error"]["code"]) == ("killed", "PLUGIN_KILLED")
        assert "isolation.limits.jsMemoryMB" in outcome["error"]["message"]
        assert lab.cells[1].ended
        assert (await lab.invoke("waits", 1))["value"] == "done"
        lab.session.on_cell_measured(1, most_bytes + 1)  # of a cell that is gone
        assert (await lab.invoke("waits", 1))["generation"] == 2


@in_virtual_time
async def test_the_manifest_sets_how_much_that_is(tmp_path: Path) -> None:
    declared = manifest()
    declared["manifest"]["isolation"]["limits"] = {"jsMemoryMB": 16}
    async with Lab(tmp_path, SOURCE, declared=declared) as lab:
        await lab.start()
        lab.session.on_cell_measured(1, (64 + 16) * MIB + 1)
        assert lab.cells[1].ended
