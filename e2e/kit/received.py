"""Everything that a browser ever received or holds, searched for a text: the network log's bytes, all its memory.

Chromium on Linux alone. The memory of every process of the browser is read, so it covers each realm's JavaScript heap,
each WebAssembly memory with a Python in it, and what is garbage but not yet overwritten.
"""

from __future__ import annotations

import base64
import json
import mmap
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests.bench.netlog import parsed_log

EVERYTHING = ("--net-log-capture-mode=Everything",)
CHUNK_BYTES = 1024 * 1024
PAGE_BYTES = mmap.PAGESIZE
_THERE = 1 << 62  # of a page's entry: in memory, or swapped out
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ")


def spellings(text: str) -> list[bytes]:
    """How a text may lie in memory or on the wire: as UTF-8, UTF-16, base64 at each of its three offsets, and hex."""
    found = [text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()]
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text.encode())
        whole = coded[(before * 8 + 5) // 6:]  # less the characters that hold bits of what comes before
        found.append(whole.rstrip(b"=")[:-1])  # and less the last one, which may hold bits of what comes after
    return found


def memory_holds(pid: int, texts: Sequence[str]) -> set[str]:
    """Which of ``texts`` are anywhere in the memory of the process ``pid`` and its children."""
    wanted = _wanted(texts)
    processes = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return {wanted[spelling] for process in processes for spelling in _in_memory(process, list(wanted))}


def network_log_holds(log: Path, texts: Sequence[str]) -> set[str]:
    """Which of ``texts`` came over a socket, or in an answer as it was after decompression."""
    wanted = _wanted(texts)
    received = received_bytes(log)
    return {text for spelling, text in wanted.items() if spelling in received}


def received_bytes(log: Path) -> bytes:
    """What answers consisted of, headers and bodies, of a log that was written with `EVERYTHING`."""
    parts: list[bytes] = []
    for event in parsed_log(log.read_text(errors="replace"))["events"]:
        told = event.get("params", {})
        parts += [base64.b64decode(told["bytes"])] if "bytes" in told else []
        parts.append(json.dumps(told).encode())
    return b"\n".join(parts)


def _wanted(texts: Sequence[str]) -> Mapping[bytes, str]:
    return {spelling: text for text in texts for spelling in spellings(text)}


def _in_memory(pid: int, wanted: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    overlap = max(map(len, wanted))
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for start, end in _regions(pid):
                memory.seek(start)
                try:
                    content = memory.read(end - start + overlap)
                except OSError:  # a device's memory, or unmapped meanwhile
                    continue
                found.update(one for one in wanted if one in content)
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has ended
    return found


def _regions(pid: int) -> Iterator[tuple[int, int]]:
    """Where the process has memory of its own, or shares it, less what it has not touched, and the files of its code.

    A WebAssembly memory is reserved as a whole, and hardly used.
    """
    with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            mapping = _MAPPING.match(line)
            if mapping is None or not mapping[3].startswith("rw"):
                continue
            end = int(mapping[2], 16)
            for at in range(int(mapping[1], 16), end, CHUNK_BYTES):
                upto = min(at + CHUNK_BYTES, end)
                pagemap.seek(at // PAGE_BYTES * 8)
                pages = array("Q", pagemap.read((upto - at) // PAGE_BYTES * 8))
                if max(pages, default=0) >= _THERE:
                    yield at, upto
