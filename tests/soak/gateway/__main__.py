"""`python -m tests.soak.gateway`: run it, write gateway.json and gateway.svg, print one line; progress to stderr."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import aiohttp
import psutil
import typer

from tests.soak.gateway.load import Tally, calls, opened
from tests.soak.plot import plot
from tests.soak.session import HERE, MAY_GROW, Sample, trend

MOODS = (("well", 88), ("echo", 4), ("broken", 4), ("deep", 3.9), ("slow", 0.08), ("huge", 0.02))
"""The share of each in hundredths, in this order again and again."""


async def load(process: subprocess.Popen[str], count: int, samples: int) -> tuple[Tally, list[Sample], float]:
    """All calls, the server's memory between them, and how many the server itself counted."""
    assert process.stdout is not None
    places = json.loads(process.stdout.readline())
    memory, tally, found, begun = psutil.Process(process.pid), Tally(), list[Sample](), time.monotonic()
    async with aiohttp.ClientSession() as client:
        session = await opened(client, places["api"], places["token"])
        for _ in range(samples):
            for mood, share in MOODS:
                async with client.put(f"http://{places['upstream']}/mood", json={"mood": mood}) as answer:
                    assert answer.status == 200
                await calls(client, session, mood, max(1, round(count / samples * share / 100)), tally)
            found.append(Sample(tally.total, time.monotonic() - begun, memory.memory_full_info().uss))
            size_mb = found[-1].own_bytes / 1e6
            typer.echo(f"{tally.total}/{count}  {found[-1].at_s:.0f} s  {size_mb:.0f} MB", err=True)
        allowed = {"Authorization": f"Bearer {places['metrics']}"}
        async with client.get(f"{places['api']}/metrics", headers=allowed) as answer:
            figures = await answer.text()
    return tally, found, sum(map(float, re.findall(r"^pysandbox_proxied_total\{.*\} (\S+)$", figures, re.MULTILINE)))


def run(count: int, samples: int) -> tuple[Tally, list[Sample], float]:
    """`load`, on a server that lives as long."""
    command = [sys.executable, "-m", "tests.soak.gateway.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            return asyncio.run(load(process, count, samples))
        finally:
            process.communicate("")


def main(
    count: Annotated[int, typer.Option("--calls", min=1000, help="Proxied calls in all.")] = 200_000,
    samples: Annotated[int, typer.Option(min=4, help="How often memory is read.")] = 20,
    output: Annotated[Path, typer.Option(help="Folder of gateway.json and gateway.svg.")] = HERE,
) -> None:
    """Compress a day of proxied calls into minutes: one answer for each, nothing shown, memory flat."""
    tally, memory, counted = run(count, samples)
    growth = trend([sample.own_bytes for sample in memory])
    problems = tally.problems[:20]
    if growth > MAY_GROW:
        problems.append(f"memory grew to {growth:.2f} times what it was")
    if counted != tally.total:
        problems.append(f"the server counted {counted:.0f} calls, {tally.total} were answered")
    told = {
        "calls": tally.total, "seconds": round(memory[-1].at_s), "growth": round(growth, 3), "problems": problems,
        "answers": {" ".join(map(str, key)): number for key, number in sorted(tally.answers.items())}}
    (output / "gateway.json").write_text(
        json.dumps({**told, "samples": [asdict(sample) for sample in memory]}, indent=1) + "\n")
    (output / "gateway.svg").write_text(plot(memory, f"{tally.total} proxied calls"))
    typer.echo(json.dumps(told))
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    typer.run(main)
