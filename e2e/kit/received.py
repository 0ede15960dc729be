"""Everything that a browser ever received or holds, searched for a text: the network log's bytes, all its memory.

Chromium on Linux alone. The memory of every process of the browser is read, so it covers each realm's JavaScript heap,
each WebAssembly memory with a Python in it, and what is garbage but not yet overwritten.
"""

from __future__ import annotations

import base64
import json
import mmap
import os
import re
import subprocess
from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.bench.netlog import parsed_log

EVERYTHING = ("--net-log-capture-mode=Everything",)
CHUNK_BYTES = 1024 * 1024
PAGE_BYTES = mmap.PAGESIZE
_THERE = 1 << 62  # of a page's entry: in memory, or swapped out
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ")


def spellings(text: str) -> list[bytes]:
    """How a text may lie in memory or on the wire: as it is, as hex, as base64 at each of its three offsets.

    As UTF-16 too: what is searched is searched without its zero bytes.
    """
    found = [text.encode(), text.encode().hex().encode()]
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text.encode())
        whole = coded[(before * 8 + 5) // 6:]  # less the characters that hold bits of what comes before
        found.append(whole.rstrip(b"=")[:-1])  # and less the last one, which may hold bits of what comes after
    return found


def memory_holds(pid: int, texts: Sequence[str]) -> set[str]:
    """Which of ``texts`` are anywhere in the memory of the process ``pid`` and its children."""
    processes = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return _found((part for process in processes for part in _memory(process)), texts)


def network_log_holds(log: Path, texts: Sequence[str]) -> set[str]:
    """Which of ``texts`` came over a socket, or in an answer as it was after decompression."""
    return _found([received_bytes(log)], texts)


def received_bytes(log: Path) -> bytes:
    """What answers consisted of, headers and bodies, of a log that was written with `EVERYTHING`."""
    parts: list[bytes] = []
    for event in parsed_log(log.read_text(errors="replace"))["events"]:
        told = event.get("params", {})
        parts += [base64.b64decode(told["bytes"])] if "bytes" in told else []
        parts.append(json.dumps(told).encode())
    return b"\n".join(parts)


def _found(parts: Iterable[bytes], texts: Sequence[str]) -> set[str]:
    """By grep, which looks for all of them in one pass."""
    wanted = {spelling: text for text in texts for spelling in spellings(text)}
    arguments = [argument for spelling in wanted for argument in ("-e", spelling.decode())]
    with subprocess.Popen(
        ["grep", "-a", "-o", "-F", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    ) as grep:
        assert grep.stdin is not None
        assert grep.stdout is not None
        with ThreadPoolExecutor(1) as reader:
            told = reader.submit(grep.stdout.read)
            for part in parts:
                grep.stdin.write(part.replace(b"\0", b""))
            grep.stdin.close()
            return {wanted[spelling] for spelling in set(told.result().splitlines())}


def _memory(pid: int) -> Iterator[bytes]:
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for start, end in _regions(pid):
                memory.seek(start)
                try:
                    yield memory.read(end - start)
                except OSError:  # a device's memory, or unmapped meanwhile
                    continue
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended


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
