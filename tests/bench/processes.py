"""The browser's processes: their proportional memory, and their end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """The process and all that descend from it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def pss_bytes(pid: int) -> int:
    """Proportional set size of the whole tree: pages that several processes share are counted once in all."""
    total = 0
    for process in tree(pid):
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile: it holds nothing
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started, and its children; wait until they are gone."""
    try:
        family = tree(process.pid)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
    _, alive = psutil.wait_procs(family, timeout=5)
    for left in alive:
        left.kill()
