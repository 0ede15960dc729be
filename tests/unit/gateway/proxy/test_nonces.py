"""Nonces in memory: spent once, forgotten when they have ended, never forgotten before."""

import asyncio

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.nonces import MemoryNonces


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def refused(nonces: MemoryNonces, *nonce: object) -> Code | None:
    try:
        asyncio.run(nonces.spend(*nonce))
    except SandboxError as error:
        return error.code
    return None


def test_a_nonce_passes_once_for_its_session() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock)
    assert refused(nonces, "s1", 7, clock.now + 30_000) is None
    assert refused(nonces, "s1", 7, clock.now + 30_000) == Code.NONCE_REJECTED
    assert refused(nonces, "s1", 8, clock.now + 30_000) is None
    assert refused(nonces, "s2", 7, clock.now + 30_000) is None


def test_a_nonce_is_remembered_past_its_end_and_then_forgotten() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock, max_kept=1)
    ends = clock.now + 30_000
    nonces_of_one = ("s1", 7, ends)
    assert refused(nonces, *nonces_of_one) is None
    clock.now = ends + 9_999
    assert refused(nonces, *nonces_of_one) == Code.NONCE_REJECTED
    clock.now = ends + 10_000
    assert refused(nonces, "s1", 8, clock.now + 1) is None  # there is room again


def test_when_no_more_can_be_remembered_nothing_passes() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock, max_kept=2)
    assert [refused(nonces, "s", n, clock.now + 1000) for n in range(3)] == [None, None, Code.STATE_UNAVAILABLE]
    assert refused(nonces, "s", 0, clock.now + 1000) == Code.NONCE_REJECTED


def test_of_two_hundred_at_once_one_passes() -> None:
    async def race() -> list[BaseException | None]:
        nonces = MemoryNonces(Clock())
        return await asyncio.gather(*(nonces.spend("s", 1, 2_000_000) for _ in range(200)), return_exceptions=True)

    results = asyncio.run(race())
    assert results.count(None) == 1
    assert all(isinstance(result, SandboxError) for result in results if result is not None)


def test_a_full_second_of_requests_is_held() -> None:
    nonces = MemoryNonces(Clock())

    async def many() -> None:
        for counter in range(1000):
            await nonces.spend("s", counter, 1_030_000)

    asyncio.run(many())
    with pytest.raises(SandboxError):
        asyncio.run(nonces.spend("s", 999, 1_030_000))
