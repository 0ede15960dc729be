"""What the figures were taken on: without it a number means nothing."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Any

import psutil

from tests.bench.npm import PACKAGES


def cpu_name() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def meta(browser_version: str, rounds: int) -> dict[str, Any]:
    """Facts of this run; `loadAverage` tells whether the machine was quiet at the start."""
    return {
        "browser": browser_version,
        "peers": PACKAGES,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "cpu": cpu_name(),
        "memoryBytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "loadAverage": os.getloadavg()[0],
    }
