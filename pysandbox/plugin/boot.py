"""Joins the runtime to its worker's JavaScript. Only this module of the plugin's side touches `pyodide`.

It keeps no JavaScript object at import: the module is part of the snapshot, where such a reference would be lost.
"""

from __future__ import annotations

import asyncio
import io
import random
import sys
import time
from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Any

from pysandbox.core.envelope import Binding
from pysandbox.plugin.runtime import PluginRuntime


class WorkerWorld:
    """`World` over four JavaScript functions."""

    folder = Path("/plugin")

    def __init__(self, post: Any, grant: Any, memory: Any) -> None:
        self._post = post
        self._memory = memory
        self.grant = grant

    def post(self, text: str, buffers: Sequence[Sized]) -> None:
        if buffers:
            from pyodide.ffi import to_js

            self._post(text, to_js(list(buffers)))
        else:
            self._post(text)

    def now_ms(self) -> float:
        return time.perf_counter() * 1000

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_ms / 1000, run)

    def memory(self) -> tuple[int, int]:
        used, peak = self._memory().split(",")
        return int(used), int(peak)


class LogStream(io.TextIOBase):
    """`sys.stdout` of a plugin: whole lines become log lines."""

    def __init__(self, name: str, write_line: Callable[[str, str], None]) -> None:
        self._name = name
        self._write_line = write_line
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text)[-8192:].split("\n")
        for line in lines:
            self._write_line(self._name, line)
        return len(text)


def start(post: Any, grant: Any, memory: Any) -> tuple[Any, Any]:
    """After the snapshot is restored: fresh randomness, then ``bind`` and ``on_message`` for JavaScript to call."""
    random.seed()  # every clone of a snapshot has the same state
    runtime = PluginRuntime(WorkerWorld(post, grant, memory))

    def bind(plugin: str, sid: str, gen: int, key: str, origin: str, credit: int) -> None:
        sys.stdout = LogStream("stdout", runtime.write_output)
        sys.stderr = LogStream("stderr", runtime.write_output)
        runtime.bind(Binding(plugin, sid, gen, bytes.fromhex(key), origin, credit))

    def on_message(text: str, buffers: Any = None) -> None:
        runtime.on_message(text, [buffer.to_bytes() for buffer in buffers] if buffers else ())

    return bind, on_message
