"""Joins the host's session to its worker's JavaScript. Only this module of the host's side touches JavaScript objects.

It keeps no JavaScript object at import: the module is part of the snapshot, where such a reference would be lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pysandbox.core.chaos import parse_chaos
from pysandbox.core.envelope import Binding
from pysandbox.host.session import HostSession


class WorkerWorld:
    """`World` over the functions of one JavaScript object, each looked up once."""

    def __init__(self, bridge: Any) -> None:
        self.to_page = bridge.toPage
        self.grant = bridge.grant
        self.end_cell = bridge.endCell
        self.arm = bridge.arm
        self.disarm = bridge.disarm
        self._to_plugin = bridge.toPlugin
        self._open_cell = bridge.openCell
        self._fetch = bridge.fetch
        self._tasks: set[asyncio.Task[None]] = set()

    def now_ms(self) -> float:
        return time.perf_counter() * 1000

    def random_hex(self, count: int) -> str:
        return os.urandom(count).hex()

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_ms / 1000, run)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def to_plugin(self, slot: int, text: str, buffers: Sequence[bytes]) -> None:
        if buffers:
            from pyodide.ffi import to_js

            self._to_plugin(slot, text, to_js(list(buffers)))
        else:
            self._to_plugin(slot, text)

    def open_cell(self, slot: int, memory_mb: int, needs_library: bool, binding: Binding) -> None:
        self._open_cell(
            slot, memory_mb, needs_library, binding.plugin, binding.sid, binding.gen, binding.key.hex(), binding.origin)

    async def fetch(self, method: str, path: str, token: str) -> tuple[int, bytes]:
        answer = await self._fetch(method, path, token)
        if answer.error:
            raise ConnectionError(answer.error)
        return answer.status, answer.body.to_bytes()


def start(bridge: Any, origin: str, chaos: str) -> HostSession:
    """After the snapshot is restored: fresh randomness, then the session, whose methods JavaScript calls.

    ``chaos``: what the development server was told should go wrong; "" everywhere else.
    """
    random.seed()  # every clone of a snapshot has the same state
    return HostSession(WorkerWorld(bridge), origin, parse_chaos(chaos) if chaos else None)
