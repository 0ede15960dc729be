"""`python -m tests.bench.gateway`: the same load through a bare aiohttp pass-through, nginx and the gateway.

1 KB of JSON in, 10 KB out, an upstream that takes 10 ms. Throughput is taken at as many connections as saturate one
process, latency at so few that nobody queues. Rounds alternate between the subjects, so that a machine that slows down
slows them all; the figures are medians of rounds.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from tests.bench.gateway import nginx, ours
from tests.bench.gateway.wrk import Run, run
from tests.bench.machine import cpu_name
from tests.integration.gateway.proxies import PATH, PLUGIN, TOKEN

OUTPUT = Path(__file__).parents[1] / "gateway.json"
BODY_BYTES = 1024
BUSY = 64
"""Connections that saturate every subject with a 10 ms upstream."""
CALM = 4
START_S = 30.0
MOST_RPS = 3000
"""More than one process answers: so many nonces are made for each second."""
SUBJECTS = ("direct", "passthrough", "nginx", "ours")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(command: Sequence[str], port: int) -> Iterator[psutil.Process]:
    """A server that listens on `port` while the block runs."""
    with subprocess.Popen(command) as process:
        try:
            until = time.monotonic() + START_S
            while not listening(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command[-3:]} did not start")
                time.sleep(0.05)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def module(name: str, *args: object) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.gateway.{name}", *map(str, args)]


def measure(rounds: int, seconds: float) -> dict[str, dict[str, list[Run]]]:
    """Runs by subject, and there by load."""
    found: dict[str, dict[str, list[Run]]] = {name: {"busy": [], "calm": []} for name in SUBJECTS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pysandbox-bench-")))
        upstream, bare, other, gateway = (free_port() for _ in range(4))
        stack.enter_context(started(module("upstream", upstream), upstream))
        targets: dict[str, tuple[int, psutil.Process | None]] = {"direct": (upstream, None)}
        targets["passthrough"] = bare, stack.enter_context(started(module("passthrough", bare, upstream), bare))
        targets["nginx"] = other, stack.enter_context(started(nginx.command(folder, other, upstream), other))
        targets["ours"] = gateway, stack.enter_context(started(module("ours", gateway, upstream), gateway))
        used = 0
        for number in range(rounds + 1):
            for name, (port, process) in targets.items():
                for load, connections in (("busy", BUSY), ("calm", CALM)):
                    nonces = folder / "nonces"
                    # Made as they are needed: a nonce lives for half a minute.
                    count = MOST_RPS * int(seconds + 1) if name == "ours" else 1
                    nonces.write_text("\n".join(ours.nonces(count, BODY_BYTES, used)))
                    used += count
                    result = run(
                        f"http://127.0.0.1:{port}{PATH}", process, connections=connections, seconds=seconds,
                        nonces=nonces, token=TOKEN, plugin=PLUGIN, body_bytes=BODY_BYTES)
                    print(f"{number} {name:12} {load} {result.rps:8.0f}/s p50 {result.p50_ms:6.2f} "
                          f"p99 {result.p99_ms:6.2f} ms {result.cores:.2f} cores, {result.bad} bad", flush=True)
                    if number > 0:  # the first round warms up
                        found[name][load].append(result)
    return found


def report(found: dict[str, dict[str, list[Run]]]) -> dict[str, Any]:
    """The figures that the product is held to, and those they come from."""
    def median(name: str, load: str, value: Callable[[Run], float]) -> float:
        return statistics.median(value(one) for one in found[name][load])

    def rps(name: str) -> float:
        return median(name, "busy", lambda one: one.rps)

    def added(name: str, value: Callable[[Run], float]) -> float:
        return round(median(name, "calm", value) - median("direct", "calm", value), 2)

    return {
        "ratio_to_passthrough": round(rps("ours") / rps("passthrough"), 3),
        "ratio_to_nginx": round(rps("ours") / rps("nginx"), 3),
        "added_p50_ms": added("ours", lambda one: one.p50_ms),
        "added_p99_ms": added("ours", lambda one: one.p99_ms),
        "rps_per_core": round(median("ours", "busy", lambda one: one.rps_per_core)),
        "bad": sum(one.bad for loads in found.values() for runs in loads.values() for one in runs),
        "subjects": {
            name: {
                "rps": round(rps(name)), "busy_p50_ms": median(name, "busy", lambda one: one.p50_ms),
                "busy_p99_ms": median(name, "busy", lambda one: one.p99_ms),
                "cores": round(median(name, "busy", lambda one: one.cores), 2),
                "added_p50_ms": added(name, lambda one: one.p50_ms),
                "added_p99_ms": added(name, lambda one: one.p99_ms)}
            for name in SUBJECTS},
        "machine": {"cpu": cpu_name(), "cores": psutil.cpu_count(), "python": sys.version.split()[0]},
        "load": {"busy_connections": BUSY, "calm_connections": CALM, "request_bytes": BODY_BYTES, "upstream_ms": 10},
    }


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 3, seconds: Annotated[float, typer.Option(min=1)] = 5,
    output: Annotated[Path, typer.Option()] = OUTPUT,
) -> None:
    """Measure, print, and write the figures to gateway.json."""
    figures = report(measure(rounds, seconds))
    output.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    typer.run(main)
