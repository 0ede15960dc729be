"""Joins the host's session to its worker's JavaScript. Only this module of the host's side touches JavaScript objects.

It keeps no JavaScript object at import: the module is part of the snapshot, where such a reference would be lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence, Sized
from typing import Any

from pysandbox.core.broker.proxying import Incoming
from pysandbox.core.chaos import parse_chaos
from pysandbox.core.envelope import Binding
from pysandbox.host.exchange import Outgoing
from pysandbox.host.session import HostSession


class Held:
    """An ArrayBuffer that stays in JavaScript: Python knows its length, and hands it on."""

    def __init__(self, content: Any) -> None:
        self.content = content
        self._bytes: int = content.byteLength

    def __len__(self) -> int:
        return self._bytes


def _to_js(buffers: Iterable[Sized]) -> Any:
    from pyodide.ffi import to_js

    return to_js([buffer.content if isinstance(buffer, Held) else buffer for buffer in buffers])


_FAULTS: Mapping[str, type[Exception]] = {"timeout": TimeoutError, "too-large": OverflowError}


class WorkerWorld:
    """`World` over the functions of one JavaScript object, each looked up once."""

    def __init__(self, bridge: Any) -> None:
        self.grant = bridge.grant
        self.end_cell = bridge.endCell
        self.arm = bridge.arm
        self.disarm = bridge.disarm
        self.hang_up = bridge.hangUp
        self.leave_behind = bridge.leaveBehind
        self._to_page = bridge.toPage
        self._to_plugin = bridge.toPlugin
        self._open_cell = bridge.openCell
        self._fetch = bridge.fetch
        self._exchange = bridge.exchange
        self._span = bridge.span
        self.hold = bridge.hold
        self._tasks: set[asyncio.Task[None]] = set()

    def now_ms(self) -> float:
        return time.perf_counter() * 1000

    def epoch_ms(self) -> float:
        return time.time() * 1000

    def random_hex(self, count: int) -> str:
        return os.urandom(count).hex()

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_ms / 1000, run)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def to_page(self, kind: str, id: str, cid: str, payload: str, buffers: Sequence[Sized] = ()) -> None:
        if buffers:
            self._to_page(kind, id, cid, payload, _to_js(buffers))
        else:
            self._to_page(kind, id, cid, payload)

    def to_plugin(self, slot: int, text: str, buffers: Sequence[Sized]) -> None:
        if buffers:
            self._to_plugin(slot, text, _to_js(buffers))
        else:
            self._to_plugin(slot, text)

    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int],
    ) -> None:  # fmt: skip
        told = {**binding._asdict(), "key": binding.key.hex(), "op": "bind", "needsLibrary": needs_library}
        self._open_cell(slot, memory_mb, json.dumps(told), json.dumps(gate))

    def span(self, name: str, started_ms: float, cid: str) -> None:
        self._span(name, self.now_ms() - started_ms, cid)

    async def fetch(self, method: str, path: str, token: str) -> tuple[int, bytes]:
        answer = await self._fetch(method, path, token)
        if answer.error:
            raise ConnectionError(answer.error)
        return answer.status, answer.body.to_bytes()

    async def post(self, path: str, token: str, body: str) -> tuple[int, bytes]:
        answer = await self._fetch("POST", path, token, body)
        if answer.error:
            raise ConnectionError(answer.error)
        return answer.status, answer.body.to_bytes()

    async def exchange(self, outgoing: Outgoing) -> Incoming:
        answer = await self._exchange(
            outgoing.id, outgoing.method, outgoing.path, json.dumps(dict(outgoing.headers)), _to_js([outgoing.body]),
            outgoing.timeout_ms, outgoing.max_bytes)
        if answer.error:
            raise _FAULTS.get(answer.error, ConnectionError)(answer.error)
        return Incoming(answer.status, json.loads(answer.headers), Held(answer.body), answer.body.to_bytes)


class WorkerSession(HostSession):
    """The two ways in for messages that have buffers beside them."""

    def on_page_bytes(
        self, kind: str, id: str, cid: str, payload: str, to: str, method: str, deadline_ms: int, buffers: Any
    ) -> None:
        self.on_page(kind, id, cid, payload, to, method, deadline_ms, list(map(Held, buffers)))

    def on_plugin_bytes(self, slot: int, text: str, buffers: Any) -> None:
        self.on_plugin(slot, text, list(map(Held, buffers)))


def start(bridge: Any, origin: str, chaos: str) -> WorkerSession:
    """After the snapshot is restored: fresh randomness, then the session, whose methods JavaScript calls.

    ``chaos``: what the development server was told should go wrong; "" everywhere else.
    """
    random.seed()  # every clone of a snapshot has the same state
    return WorkerSession(WorkerWorld(bridge), origin, parse_chaos(chaos) if chaos else None)
