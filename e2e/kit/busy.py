"""How busy a browser is, whatever it is busy with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil


def busy_s(pids: Callable[[], Iterable[int]], span_s: float) -> float:
    """Processor time that these processes take in ``span_s`` seconds. One that comes or goes counts for nothing."""

    def taken() -> dict[psutil.Process, float]:
        each: dict[psutil.Process, float] = {}
        for pid in pids():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                each[process] = sum(process.cpu_times()[:2])
        return each

    before = taken()
    time.sleep(span_s)
    return sum(now - before[process] for process, now in taken().items() if process in before)
