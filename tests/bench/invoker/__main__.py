"""`python -m tests.bench.invoker`: a warm call and a start, ours beside plain Pyodide in Deno on a pipe.

Both sides answer the same kilobyte of JSON from a Python function and are asked from one asyncio loop, in turns, so
that what else the machine does meets both. Ours has its walls, envelopes, budgets and deadlines; plain has nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import platform
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from pysandbox.core.broker.registered import Registered
from pysandbox.core.bundle import build_bundle
from pysandbox.core.manifest import parse_manifest
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.jail import deno
from tests.bench.machine import cpu_name
from tests.bench.stats import Summary, summary

ROOT = Path(__file__).parents[3]
OUTPUT = Path(__file__).parents[1] / "invoker.json"
MOST_CALL, MOST_START = 1.5, 0.2
WARM_UP, BLOCK = 200, 50
PAYLOAD: dict[str, Any] = {"customer": {"id": "c-1"}, "messages": [{"from": "c", "text": "x" * 80} for _ in range(9)]}
SOURCE = b"""
from pysandbox.plugin import handler

@handler
def handle(payload, ctx):
    return {"echo": payload}
"""


def echo() -> Registered:
    """The plugin that says what it was told."""
    manifest = parse_manifest({
        "pluginId": "com.example.echo", "version": "1.0.0",
        "manifest": {
            "type": "webchat", "workerUrl": "https://cdn.example/echo-1.0.0.zip",
            "csp": "default-src 'none'; worker-src https://cdn.example", "permissions": [],
            "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 30_000}}})
    return Registered(manifest, build_bundle({"plugin.py": SOURCE}), needs_library=False)


class Plain:
    """Pyodide as npm has it."""

    async def __aenter__(self) -> Self:
        script = Path(__file__).parent / "plain.ts"
        self._process = await asyncio.create_subprocess_exec(
            deno(), "run", "--quiet", "--allow-all", "--frozen", "--cached-only", str(script), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        if await self._line() != b"up\n":
            raise RuntimeError("plain Pyodide did not start; fetch it with: make bench-invoker")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.kill()
        await self._process.wait()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readline()

    async def call(self) -> object:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(PAYLOAD).encode() + b"\n")
        return json.loads(await self._line())


class Ours:
    """`DenoInvoker`, without a spare: a start is a start."""

    async def __aenter__(self) -> Self:
        self._invoker = DenoInvoker(spares=0)
        self._key = (await self._invoker.load(echo())).key
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._invoker.close()

    async def call(self) -> object:
        return json.loads((await self._invoker.call(self._key, "handle", PAYLOAD)).value)


Subject = Plain | Ours


async def calls_us(subject: Subject, count: int) -> list[float]:
    """Microseconds of each of so many calls."""
    found: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        answer = await subject.call()
        found.append((time.perf_counter() - began) * 1e6)
        if answer != {"echo": PAYLOAD}:
            raise RuntimeError(f"not what it was told: {answer}")
    return found


async def starts_ms(kind: type[Subject]) -> float:
    """From nothing to the first answer."""
    began = time.perf_counter()
    async with kind() as subject:
        await subject.call()
        return (time.perf_counter() - began) * 1000


async def measure(rounds: int, starts: int) -> dict[str, Summary]:
    """The two in turns."""
    found: dict[str, list[float]] = {name: [] for name in ("call_ours", "call_plain", "start_ours", "start_plain")}
    async with AsyncExitStack() as stack:
        ours, plain = await stack.enter_async_context(Ours()), await stack.enter_async_context(Plain())
        for subject in (ours, plain):
            await calls_us(subject, WARM_UP)
        for _ in range(rounds):
            found["call_ours"] += await calls_us(ours, BLOCK)
            found["call_plain"] += await calls_us(plain, BLOCK)
    for _ in range(starts):
        found["start_ours"].append(await starts_ms(Ours))
        found["start_plain"].append(await starts_ms(Plain))
    return {name: summary(values) for name, values in found.items()}


def main(
    rounds: Annotated[int, typer.Option(help=f"Blocks of {BLOCK} calls of each.")] = 40,
    starts: Annotated[int, typer.Option(help="Starts of each.")] = 7,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = OUTPUT,
) -> None:
    """Measure, print, and write the figures."""
    load = os.getloadavg()[0]
    found = asyncio.run(measure(rounds, starts))
    call = found["call_ours"].median / found["call_plain"].median
    start = found["start_ours"].median / found["start_plain"].median
    output.write_text(json.dumps({
        "call_us": {name: asdict(found[f"call_{name}"]) for name in ("ours", "plain")},
        "start_ms": {name: asdict(found[f"start_{name}"]) for name in ("ours", "plain")},
        "call_ratio": round(call, 2), "call_most": MOST_CALL, "start_ratio": round(start, 3), "start_most": MOST_START,
        "cpu": cpu_name(), "cores": os.cpu_count(), "python": platform.python_version(), "loadAverage": load,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}, indent=2) + "\n")
    for name, unit in (("call", "µs"), ("start", "ms")):
        for who in ("ours", "plain"):
            one = found[f"{name}_{who}"]
            print(f"{name:6} {who:6} {one.median:9.1f} {unit}  (middle half {one.q1:.1f}–{one.q3:.1f})")
    print(f"call   {call:.2f} × plain (at most {MOST_CALL}), start {start:.2f} × plain (at most {MOST_START})")
    raise typer.Exit(0 if call <= MOST_CALL and start <= MOST_START else 1)


if __name__ == "__main__":
    typer.run(main)
