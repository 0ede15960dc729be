"""What is kept for a moment: one read for all who ask at once, and no read that began before a change."""

from __future__ import annotations

import asyncio

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.fresh import Fresh
from tests.unit.joined.virtual_time import in_virtual_time


class Source:
    """A database that answers when its gate is open, with what it held when it was asked."""

    def __init__(self) -> None:
        self.value = "old"
        self.reads = 0
        self.gate = asyncio.Event()
        self.now_s = 0.0
        self.away = False
        self.fresh = Fresh(self.read, fresh_s=2.0, max_entries=10, clock=lambda: self.now_s)

    async def read(self, key: str) -> str:
        self.reads += 1
        value = f"{self.value} of {key}"
        await self.gate.wait()
        if self.away:
            raise SandboxError(Code.STATE_UNAVAILABLE)
        return value


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@in_virtual_time
async def test_many_who_ask_at_once_make_one_read() -> None:
    source = Source()
    asking = [asyncio.create_task(source.fresh.get(key)) for key in ["a", "b"] * 50]
    await settle()
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {"old of a", "old of b"}
    assert source.reads == 2
    assert await source.fresh.get("a") == "old of a"
    assert source.reads == 2


@in_virtual_time
async def test_it_is_no_older_than_its_moment_from_when_its_read_began() -> None:
    source = Source()
    asking = asyncio.create_task(source.fresh.get("a"))
    await settle()
    source.now_s, source.value = 1.5, "new"  # a slow read
    source.gate.set()
    assert await asking == "old of a"
    source.now_s = 1.9
    assert await source.fresh.get("a") == "old of a"
    source.now_s = 2.0
    assert await source.fresh.get("a") == "new of a"


@in_virtual_time
async def test_a_read_that_took_longer_than_its_moment_is_kept_for_nobody() -> None:
    source = Source()
    asking = asyncio.create_task(source.fresh.get("a"))
    await settle()
    source.now_s = 5.0
    source.gate.set()
    await asking
    await source.fresh.get("a")
    assert source.reads == 2


@in_virtual_time
async def test_a_read_that_began_before_a_change_is_not_kept() -> None:
    source = Source()
    asking = asyncio.create_task(source.fresh.get("a"))
    await settle()
    source.value = "new"
    source.fresh.forget("a")
    late = asyncio.create_task(source.fresh.get("a"))
    await settle()
    source.gate.set()
    assert await asking == "old of a"
    assert await late == await source.fresh.get("a") == "new of a"


@in_virtual_time
async def test_who_gives_up_takes_the_read_from_nobody_else() -> None:
    source = Source()
    first, second = (asyncio.create_task(source.fresh.get("a")) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    source.gate.set()
    assert await second == "old of a"
    assert source.reads == 1


@in_virtual_time
async def test_a_read_that_fails_is_told_to_all_who_wait_and_made_again() -> None:
    source = Source()
    source.away = True
    asking = [asyncio.create_task(source.fresh.get("a")) for _ in range(3)]
    await settle()
    source.gate.set()
    for one in asking:
        with pytest.raises(SandboxError):
            await one
    source.away = False
    assert await source.fresh.get("a") == "old of a"
    assert source.reads == 2
