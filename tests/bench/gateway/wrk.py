"""One run of Debian's `wrk`, and what it cost the process that it was aimed at."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

LUA = Path(__file__).with_name("load.lua")
THREADS = 1  # the machine's cores are shared by upstream, gateway and wrk


@dataclass(frozen=True)
class Run:
    """`cores`: processor seconds of the target for each second; `bad`: answers that were no 2xx, and lost ones."""

    rps: float
    p50_ms: float
    p99_ms: float
    cores: float
    bad: int

    @property
    def rps_per_core(self) -> float:
        return self.rps / self.cores


def run(
    url: str, target: psutil.Process | None, *, connections: int, seconds: float, nonces: Path, token: str, plugin: str,
    body_bytes: int,
) -> Run:
    """Load `url` for so long. Raises RuntimeError if wrk does."""
    before = _cpu_s(target)
    done = subprocess.run(
        ["wrk", "-t", str(THREADS), "-c", str(connections), "-d", f"{seconds:.0f}s", "--timeout", "10s", "-s", str(LUA),
         url, "--", str(nonces), token, plugin, str(body_bytes), str(THREADS)],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    took_s = told["duration_us"] / 1e6
    cores = (_cpu_s(target) - before) / took_s
    return Run(told["requests"] / took_s, told["p50_us"] / 1000, told["p99_us"] / 1000, cores, told["bad"])


def _cpu_s(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return sum(one.user + one.system for one in times)
