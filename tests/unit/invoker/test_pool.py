"""The reserve: who is taken, who takes the place, how many there are at most, and that nobody is left at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from pysandbox.invoker.pool import MAX_SPARES, Pool
from pysandbox.invoker.process import PluginProcess


class Started:
    """As much of a process as a pool sees; it is gone when the test says so."""

    def __init__(self, memory_mb: int) -> None:
        self.memory_mb = memory_mb
        self.killed = False
        self.left = asyncio.Event()
        self.on_over: Callable[[Started], None] = lambda _process: None

    def kill(self) -> None:
        if not self.killed:
            self.killed = True
            self.on_over(self)

    async def gone(self) -> None:
        await self.left.wait()


class Machine:
    """What a pool started, in order."""

    def __init__(self, spares: int) -> None:
        self.started: list[Started] = []
        self.pool = Pool(self._start, spares)

    def _start(self, memory_mb: int) -> PluginProcess:
        self.started.append(Started(memory_mb))
        return cast(PluginProcess, self.started[-1])

    def reserve(self) -> list[int]:
        return [process.memory_mb for process in self.pool.reserve]


def test_a_spare_of_the_class_is_taken_and_never_put_back() -> None:
    machine = Machine(spares=1)
    machine.pool.refill(64)
    taken = machine.pool.take(64)
    assert (taken, machine.reserve()) == (machine.started[0], [])
    machine.pool.refill(64)
    assert len(machine.started) == 2
    assert taken not in machine.pool.reserve


def test_one_of_another_class_is_left_alone() -> None:
    machine = Machine(spares=1)
    machine.pool.refill(64)
    taken = machine.pool.take(128)
    assert taken.memory_mb == 128
    assert machine.reserve() == [64]


def test_a_class_has_one_spare_and_the_oldest_of_another_makes_room() -> None:
    async def run() -> None:
        machine = Machine(spares=2)
        for memory_mb in (64, 64, 128, 256):
            machine.pool.refill(memory_mb)
        assert machine.reserve() == [128, 256]
        assert [process.killed for process in machine.started] == [True, False, False]
        assert machine.pool.live == 2

    asyncio.run(run())


def test_there_are_none_where_none_are_wanted_and_never_too_many() -> None:
    async def run() -> None:
        none, many = Machine(spares=0), Machine(spares=1000)
        for memory_mb in range(1, MAX_SPARES + 10):
            none.pool.refill(memory_mb)
            many.pool.refill(memory_mb)
        assert none.reserve() == []
        assert len(many.reserve()) == MAX_SPARES

    asyncio.run(run())


def test_a_spare_that_dies_is_not_handed_out() -> None:
    async def run() -> None:
        machine = Machine(spares=1)
        machine.pool.refill(64)
        machine.started[0].kill()
        assert machine.reserve() == []
        assert machine.pool.take(64) is not cast(PluginProcess, machine.started[0])

    asyncio.run(run())


def test_a_close_ends_all_and_waits_until_they_are_gone() -> None:
    async def run() -> None:
        machine = Machine(spares=1)
        machine.pool.refill(64)
        machine.pool.take(128)
        closing = asyncio.ensure_future(machine.pool.close())
        await asyncio.sleep(0)
        assert all(process.killed for process in machine.started)
        machine.started[0].left.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not closing.done()
        machine.started[1].left.set()
        await closing
        assert machine.pool.live == 0
        machine.pool.refill(64)
        assert machine.reserve() == []

    asyncio.run(run())
