"""`python -m tests.bench.flow`: what the engine costs for each block, and 1,000 flows at once on one core.

The engine is measured alone (a plugin that answers at once, no loop); the flows run on asyncio with plugins that answer
after 100 ms, ten calls in a row, so nothing can be done in less than a second. The event loop, and how garbage is
collected, are those of `pysandbox serve`. Figures are the best of some rounds: a machine that is busy makes a round
slower, never faster. CPU seconds are given beside.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import platform
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from pysandbox.core.errors import Status
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.driver import run_flow
from pysandbox.core.flow.effects import End, Event, Invocation, Result, Start
from pysandbox.core.flow.engine import execute
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.garbage import settle
from pysandbox.gateway.running import loop_factory
from tests.bench.machine import cpu_name

OUTPUT = Path(__file__).parents[1] / "flow.json"
DATA: dict[str, Any] = {"interaction": {"customer": {"id": "c-1"}}, "webchat": {"session": {"id": "s-1"}}}
ANSWER = Outcome(Status.OK, value='{"score": 3}', generation=1)
ENGINE_BLOCKS = 50
FLOWS, CALLS, ANSWER_MS = 1000, 10, 100
MOST_US, MOST_S = 50.0, 1.2


def flow_of(blocks: int) -> Flow:
    """The guide's first block, so many times in a row."""
    ids = [*(f"b{index}" for index in range(blocks)), "end"]
    calls: list[dict[str, Any]] = [
        {"id": id, "type": "invokePlugin", "pluginId": "com.vendor.risk-scoring", "timeout": 2500, "onSuccess": then,
         "onTimeout": "end", "onError": "end",
         "payload": {"customerId": "{{interaction.customer.id}}", "sessionId": "{{webchat.session.id}}"}}
        for id, then in pairwise(ids)]
    return parse_flow({"slaMs": 300_000, "blocks": [*calls, {"id": "end", "type": "routeToQueue", "queueId": "q"}]})


def engine_us(flow: Flow) -> float:
    """One run; microseconds for each block."""
    began = time.perf_counter()
    steps = execute(flow, Start("cid", 0.0, DATA))
    effect, at_ms = next(steps), 0.0
    while not isinstance(effect, End):
        at_ms += 1.0
        effect = steps.send(Result(at_ms, (ANSWER,)))
    return (time.perf_counter() - began) * 1e6 / len(flow.blocks)


class Ports:
    """A plugin that answers after a while, and a journal in memory."""

    def __init__(self) -> None:
        self.journal: list[Event] = []

    def clock_ms(self) -> float:
        return time.perf_counter() * 1000

    def append(self, events: Sequence[Event]) -> None:
        self.journal += events

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:  # noqa: ARG002  # answers alike
        await asyncio.sleep(ANSWER_MS / 1000)
        return ANSWER

    async def send_message(self, to: str, text: str) -> None:  # noqa: ARG002
        raise AssertionError("these flows send nothing")

    def has_queue(self, queue_id: str) -> bool:  # noqa: ARG002
        return True


async def crowd(flow: Flow) -> tuple[float, float]:
    """All flows at once: seconds, and CPU seconds."""
    began, cpu = time.perf_counter(), time.process_time()
    done = await asyncio.gather(*(run_flow(flow, DATA, Ports(), correlation_id="cid") for _ in range(FLOWS)))
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    if not all(ran.ending.block == "end" and ran.ending.within_sla for ran in done):
        raise RuntimeError("a flow did not end as it should")
    return seconds, used


def main(
    rounds: Annotated[int, typer.Option(help="Rounds of 1,000 flows; the best one counts.")] = 5,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = OUTPUT,
) -> None:
    """Measure, print, and write the figures."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, as the figure says
    long, short = flow_of(ENGINE_BLOCKS), flow_of(CALLS)
    engine = min(engine_us(long) for _ in range(200))
    settle()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        crowds = [runner.run(crowd(short)) for _ in range(rounds)]
    best = min(seconds for seconds, _ in crowds)
    figures = {
        "engine_us_per_block": round(engine, 2), "engine_most_us_per_block": MOST_US,
        "crowd_s": round(best, 3), "crowd_most_s": MOST_S, "crowd_ideal_s": CALLS * ANSWER_MS / 1000,
        "crowd_cpu_us_per_call": round(min(cpu for _, cpu in crowds) * 1e6 / (FLOWS * CALLS), 1),
        "crowd_rounds_s": [round(seconds, 3) for seconds, _ in crowds],
        "cpu": cpu_name(), "python": platform.python_version(), "loadAverage": os.getloadavg()[0],
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    output.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"engine   {engine:8.2f} µs a block (at most {MOST_US:.0f})")
    print(f"crowd    {best:8.3f} s for {FLOWS} flows of {CALLS} calls of {ANSWER_MS} ms (at most {MOST_S}, ideal 1.0)")
    raise typer.Exit(0 if engine <= MOST_US and best <= MOST_S else 1)


if __name__ == "__main__":
    typer.run(main)
