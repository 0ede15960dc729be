"""The browser's processes and their proportional memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """The process and all that descend from it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


@dataclass(frozen=True)
class Pss:
    """Proportional set size of a process tree in bytes: what several processes share is counted once in all.

    `own_bytes` leaves file-backed pages out: the browser's binary is shared with any other browser on the machine,
    which would halve it from one reading to the next, and it is the same whatever the number of plugins.
    """

    own_bytes: int
    all_bytes: int


def pss(pid: int) -> Pss:
    """Read it now."""
    own = everything = 0
    for process in tree(pid):
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile: it holds nothing
        kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith("Pss")}
        own += 1024 * (kilobytes.get("Pss_Anon:", 0) + kilobytes.get("Pss_Shmem:", 0))
        everything += 1024 * kilobytes.get("Pss:", 0)
    return Pss(own, everything)
