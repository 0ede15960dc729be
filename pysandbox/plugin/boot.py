"""Joins the runtime to its worker's JavaScript. Only this module of the plugin's side touches `pyodide`.

It keeps no JavaScript object at import: the module is part of the snapshot, where such a reference would be lost.
"""

from __future__ import annotations

import asyncio
import io
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Any

from pysandbox.core.envelope import Binding
from pysandbox.plugin.rehearsal import rehearse
from pysandbox.plugin.runtime import PluginRuntime


class WorkerWorld:
    """`World` over a few JavaScript functions."""

    folder = Path("/plugin")

    def __init__(self, post: Any, grant: Any, memory: Any, interrupt_in: Any, files: Any) -> None:
        self._post = post
        self._memory = memory
        self.grant = grant
        self.interrupt_in = interrupt_in
        self.limit_files = files.limit
        self.refused_files = files.refused

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

    def memory(self, *, fresh: bool = False) -> tuple[int, int]:
        used, peak = self._memory(fresh).split(",")
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


def start(post: Any, grant: Any, memory: Any, interrupt_in: Any, files: Any) -> tuple[Any, Any, Any]:
    """After the snapshot is restored: fresh randomness, then what JavaScript calls: bind, on_message, rehearse."""
    random.seed()  # every clone of a snapshot has the same state
    runtime = PluginRuntime(WorkerWorld(post, grant, memory, interrupt_in, files))
    signal.signal(signal.SIGINT, runtime.interrupts.on_signal)
    keep_exits_inside(asyncio.get_event_loop(), runtime.write_output)

    def bind(plugin: str, sid: str, gen: int, key: str, origin: str, credit: int) -> None:
        sys.stdout = LogStream("stdout", runtime.write_output)
        sys.stderr = LogStream("stderr", runtime.write_output)
        runtime.bind(Binding(plugin, sid, gen, bytes.fromhex(key), origin, credit))

    def on_message(text: str, buffers: Any = None) -> None:
        runtime.on_message(text, [buffer.to_bytes() for buffer in buffers] if buffers else ())

    return bind, on_message, lambda: rehearse(Path("/rehearsal"))


def keep_exits_inside(loop: Any, write_line: Callable[[str, str], None]) -> None:
    """A task or callback that exits ends itself alone. Pyodide's loop has these two places to say so."""

    def exited(code: object = "interrupted") -> None:
        write_line("stderr", f"a task or callback wanted to exit: {code!r}")

    loop._system_exit_handler = loop._keyboard_interrupt_handler = exited
