"""One plugin's process: started, spoken to in frames, bounded, and killed with all that it started.

Everything that comes out of it passes its gate. Until somebody binds it, it may say one thing: that it is up.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from pysandbox.core.broker.slot import GATE_CODES
from pysandbox.core.errors import Code
from pysandbox.invoker.assets import Assets
from pysandbox.invoker.frames import FrameGate, pack
from pysandbox.invoker.jail import Walls, command, environment, kill_group, limit_process

UP = "up"
NOBODY = {"credit": 1, "maxChars": len(UP), "maxDepth": 0, "maxBuffers": 0, "maxBufferBytes": 0}
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031  # Linux; the fcntl module has the name from Python 3.10 on, and there alone
CHUNK_BYTES = 1 << 20


class Hearer(Protocol):
    """Whoever took the process."""

    def accepted(self, text: str, buffers: list[bytes]) -> None: ...
    def refused(self, rule: str, fatal: bool) -> None: ...
    def ended(self, code: Code, message: str) -> None:
        """It is over, and nobody here ended it."""
        ...


class PluginProcess(asyncio.SubprocessProtocol):
    """``memory_mb``: the interpreter's whole memory; ``js_memory_mb``: what the process may hold beside."""

    def __init__(self, assets: Assets, memory_mb: int, js_memory_mb: int, walls: Walls) -> None:
        self.memory_mb = memory_mb
        self.up = False
        self.over = False
        self._assets = assets
        self._js_memory_mb = js_memory_mb
        self._walls = walls
        self._hearer: Hearer | None = None
        self._gate = FrameGate(NOBODY, self._accept, self._refuse)
        self._limits: Mapping[str, int] = NOBODY
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._early: list[bytes] = []  # frames that wait until it is up
        self._granted = 0  # messages, likewise
        self._gone = asyncio.Event()
        self.folder = Path(tempfile.mkdtemp(prefix="pysandbox-plugin-"))
        self._task = asyncio.get_running_loop().create_task(self._start())
        self.on_over: Callable[[PluginProcess], None] = lambda _process: None

    async def _start(self) -> None:
        try:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: self, *command(self._assets.script, self._walls), env=environment(self.folder),
                cwd=self.folder, stderr=asyncio.subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            self._gone.set()
            self._ended(Code.BOOT_FAILED, f"no process could be started: {error}")
            return
        if self.over:  # killed while it was being started
            kill_group(transport.get_pid())

    # --- asyncio's words ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        limit_process(self._transport.get_pid(), self._walls)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        _widen(self._stdin)
        assets = self._assets
        self._write(pack(json.dumps({"memoryMB": self.memory_mb}), [assets.wasm, assets.snapshot]))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd  # its standard output: there is no other
        self._gate.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._transport is not None:
            self._transport.close()
        self._gone.set()

    def process_exited(self) -> None:
        self._ended(Code.PLUGIN_KILLED, "the plugin's process ended")

    # --- what its taker does ---
    def bind(self, hearer: Hearer, limits: Mapping[str, int], binding: str, *, needs_library: bool) -> None:
        """From now on it is ``hearer``'s. ``limits``: of the gate."""
        self._hearer, self._limits = hearer, limits
        if needs_library:
            self._send(pack('{"op":"library"}', [self._assets.library]))
        self._send(pack(binding))
        if self.up:
            self._guard()

    def send(self, text: str, buffers: Sequence[bytes]) -> None:
        """To the plugin; what it is told before it is up waits until then."""
        self._send(pack(text, buffers))

    def grant(self, messages: int) -> None:
        """Let so many more messages of it through."""
        if self._limits is NOBODY or not self.up:
            self._granted += messages
        else:
            self._gate.grant(messages)

    def kill(self) -> None:
        """Nothing of it is heard any more, then it ends with all that it started. Never waits."""
        self._hearer = None
        self._end()

    async def gone(self) -> None:
        """Until the system has nothing of it any more."""
        await self._gone.wait()

    # --- inside ---
    def _send(self, frame: bytes) -> None:
        if self.up and not self._early:
            self._write(frame)
        else:
            self._early.append(frame)

    def _write(self, frame: bytes) -> None:
        if self._stdin is None or self.over:
            return
        for at in range(0, len(frame), CHUNK_BYTES):
            self._stdin.write(frame[at : at + CHUNK_BYTES])

    def _guard(self) -> None:
        """Before the first byte of a plugin's: its gate, and its memory from what the interpreter has taken."""
        self._gate = FrameGate(self._limits, self._accept, self._refuse)
        self._gate.grant(self._granted)
        if self._transport is not None:
            limit_process(
                self._transport.get_pid(), self._walls, more_bytes=(self.memory_mb + self._js_memory_mb) << 20)
        early, self._early = self._early, []
        for frame in early:
            self._write(frame)

    def _accept(self, text: str, buffers: list[bytes]) -> None:
        if not self.up:
            self.up = text == UP
            if not self.up:
                self._refuse("not-up", True)
            elif self._hearer is not None:
                self._guard()
        elif self._hearer is not None:
            self._hearer.accepted(text, buffers)

    def _refuse(self, rule: str, fatal: bool) -> None:
        if self._hearer is not None and self.up:
            self._hearer.refused(rule, fatal)
        else:
            self._ended(GATE_CODES.get(rule, Code.PROTOCOL_VIOLATION), f"the process said what it must not: {rule}")

    def _ended(self, code: Code, message: str) -> None:
        hearer, self._hearer = self._hearer, None
        self._end()
        if hearer is not None:
            hearer.ended(code, message)

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self._gate.close()
        if self._transport is not None:
            kill_group(self._transport.get_pid())  # the transport closes when the process is gone
        shutil.rmtree(self.folder, ignore_errors=True)
        self.on_over(self)


def _widen(stdin: asyncio.WriteTransport) -> None:
    """Twenty megabytes go through this pipe at each start; the usual one takes them in portions of 64 KiB."""
    try:
        import fcntl  # noqa: PLC0415  # not on every system

        fcntl.fcntl(stdin.get_extra_info("pipe").fileno(), F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, OSError, AttributeError):
        return  # slower, not wrong
