"""Processes in reserve: an interpreter that has started and run nobody's code, by memory class.

One that was taken is never put back. Must not know: what runs in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pysandbox.invoker.process import PluginProcess

MAX_SPARES: Final = 16


class Pool:
    """``spares`` in all, of the classes that were asked for last. ``make(memory_mb)`` starts one."""

    def __init__(self, make: Callable[[int], PluginProcess], spares: int) -> None:
        self._make = make
        self._most = min(spares, MAX_SPARES)
        self._reserve: list[PluginProcess] = []
        self._live: set[PluginProcess] = set()
        self._leaving: set[asyncio.Task[None]] = set()  # one for each that was killed and is not gone yet
        self._closed = False

    @property
    def reserve(self) -> tuple[PluginProcess, ...]:
        """Those in reserve now, the oldest first."""
        return tuple(self._reserve)

    @property
    def live(self) -> int:
        """Processes that run, the spares among them."""
        return len(self._live)

    def take(self, memory_mb: int) -> PluginProcess:
        """One of this class, a spare if there is one; another takes its place in reserve."""
        spare = next((process for process in self._reserve if process.memory_mb == memory_mb), None)
        if spare is not None:
            self._reserve.remove(spare)
        return spare or self._start(memory_mb)

    def refill(self, memory_mb: int) -> None:
        """Have one of this class in reserve, instead of the oldest of another where there are too many."""
        if self._closed or self._most == 0 or any(process.memory_mb == memory_mb for process in self._reserve):
            return
        while len(self._reserve) >= self._most:
            self._reserve.pop(0).kill()
        self._reserve.append(self._start(memory_mb))

    async def close(self) -> None:
        """End them all, taken or not, and wait until they are gone."""
        self._closed = True
        self._reserve.clear()
        for process in list(self._live):
            process.kill()
        await asyncio.gather(*self._leaving)

    def _start(self, memory_mb: int) -> PluginProcess:
        process = self._make(memory_mb)
        process.on_over = self._over
        self._live.add(process)
        return process

    def _over(self, process: PluginProcess) -> None:
        self._live.discard(process)
        leaving = asyncio.get_running_loop().create_task(process.gone())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        if process in self._reserve:
            self._reserve.remove(process)
