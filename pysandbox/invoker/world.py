"""`World` of the broker over processes: slots are processes, deadlines are this loop's timers, a kill is SIGKILL."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence, Sized
from typing import Any, Protocol, cast

from pysandbox.core.envelope import Binding
from pysandbox.core.errors import Code
from pysandbox.invoker.pool import Pool
from pysandbox.invoker.process import PluginProcess


class Session(Protocol):
    """Who hears of the slots; see `Roster`."""

    def on_plugin(self, slot: int, text: str, buffers: Sequence[Sized] = ()) -> None: ...
    def on_gate(self, slot: int, rule: str, fatal: bool) -> None: ...
    def on_expired(self, slot: int, invocation: str) -> None: ...
    def on_cell_failed(self, slot: int, code: str, message: str) -> None: ...


class _Slot:
    """Hears one process, for its number."""

    def __init__(self, number: int, process: PluginProcess, world: ProcessWorld) -> None:
        self.process = process
        self._number = number
        self._world = world

    def accepted(self, text: str, buffers: list[bytes]) -> None:
        self._world.session.on_plugin(self._number, text, buffers)

    def refused(self, rule: str, fatal: bool) -> None:
        self._world.session.on_gate(self._number, rule, fatal)

    def ended(self, code: Code, message: str) -> None:
        self._world.session.on_cell_failed(self._number, code.value, message)


class ProcessWorld:
    """``session`` is given before the first slot is opened."""

    session: Session

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._slots: dict[int, _Slot] = {}
        self._timers: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def now_ms(self) -> float:
        return time.perf_counter() * 1000

    def random_hex(self, count: int) -> str:
        return os.urandom(count).hex()

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self._loop.call_later(delay_ms / 1000, run)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def to_plugin(self, slot: int, text: str, buffers: Sequence[Sized]) -> None:
        if slot in self._slots:
            self._slots[slot].process.send(text, cast(Sequence[bytes], buffers))

    def grant(self, slot: int, messages: int) -> None:
        if slot in self._slots:
            self._slots[slot].process.grant(messages)

    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int],
    ) -> None:  # fmt: skip
        process = self._pool.take(memory_mb)
        hearer = self._slots[slot] = _Slot(slot, process, self)
        told = {**binding._asdict(), "key": binding.key.hex(), "op": "bind", "needsLibrary": needs_library}
        process.bind(hearer, gate, json.dumps(told), needs_library=needs_library)

    def end_cell(self, slot: int) -> None:
        ended = self._slots.pop(slot, None)
        for key in [key for key in self._timers if key[0] == slot]:
            self._timers.pop(key).cancel()
        if ended is not None:
            ended.process.kill()

    def arm(self, slot: int, invocation: str, after_ms: float) -> None:
        self._cancel(slot, invocation)
        self._timers[slot, invocation] = self._loop.call_later(after_ms / 1000, self._expire, slot, invocation)

    def disarm(self, slot: int, invocation: str) -> None:
        self._cancel(slot, invocation)
        if invocation == "load" and slot in self._slots:  # what it needed at once is done
            self._pool.refill(self._slots[slot].process.memory_mb)

    def span(self, name: str, started_ms: float, cid: str) -> None:
        """There is no timeline here; durations are in the outcomes."""

    def close(self) -> None:
        """Nothing of this world goes on."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _cancel(self, slot: int, invocation: str) -> None:
        timer = self._timers.pop((slot, invocation), None)
        if timer is not None:
            timer.cancel()

    def _expire(self, slot: int, invocation: str) -> None:
        self._timers.pop((slot, invocation), None)
        if slot in self._slots:
            self._slots[slot].process.kill()
            self.session.on_expired(slot, invocation)
