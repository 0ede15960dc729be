"""Two replicas on one Redis: a nonce spends once, limits hold for both, and what happens while Redis is away."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.limits import Allowance, Limited, Limits
from pysandbox.gateway.proxy.nonces import RedisNonces
from pysandbox.gateway.proxy.shared import SharedState
from tests.integration.services import Service


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Clock:
    """Moved by hand: how long Redis is left alone after a failure."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def replicas(url: str, scenario: Callable[[SharedState, SharedState, Clock], Awaitable[None]]) -> None:
    async def started() -> None:
        clock = Clock()
        one, other = SharedState(url, clock), SharedState(url, clock)
        try:
            await scenario(one, other, clock)
        finally:
            await one.close()
            await other.close()

    asyncio.run(started())


async def spend(nonces: RedisNonces, session: str, counter: int) -> Code | None:
    try:
        await nonces.spend(session, counter, now_ms() + 30_000)
    except SandboxError as error:
        return error.code
    return None


def test_a_nonce_spends_once_across_replicas_under_a_race_of_two_hundred(redis: Service) -> None:
    async def scenario(one: SharedState, other: SharedState, _clock: Clock) -> None:
        stores = [RedisNonces(one, now_ms), RedisNonces(other, now_ms)]
        session = secrets.token_hex(16)
        for counter in range(3):
            results = await asyncio.gather(*(spend(stores[n % 2], session, counter) for n in range(200)))
            assert results.count(None) == 1
            assert results.count(Code.NONCE_REJECTED) == 199

    replicas(redis.url, scenario)


def test_limits_hold_across_replicas(redis: Service) -> None:
    async def scenario(one: SharedState, other: SharedState, _clock: Clock) -> None:
        limits = [Limits(one), Limits(other)]
        allowance = Allowance("route", f"r:{secrets.token_hex(8)}", 1, 20)  # one a minute: the burst is all there is

        async def take(number: int) -> bool:
            try:
                await limits[number % 2].take([allowance])
            except Limited:
                return False
            return True

        assert sum(await asyncio.gather(*(take(number) for number in range(60)))) == 20

    replicas(redis.url, scenario)


def test_while_redis_is_away_nonces_fail_closed_and_limits_are_stricter_and_both_come_back(redis: Service) -> None:
    async def scenario(one: SharedState, _other: SharedState, clock: Clock) -> None:
        nonces, limits = RedisNonces(one, now_ms), Limits(one)
        session = secrets.token_hex(16)
        allowance = Allowance("route", f"r:{session}", 1, 40)

        async def taken() -> int:
            count = 0
            while True:
                try:
                    await limits.take([allowance])
                except Limited:
                    return count
                count += 1

        assert await spend(nonces, session, 1) is None
        redis.stop()
        try:
            assert await spend(nonces, session, 2) == Code.STATE_UNAVAILABLE
            assert await taken() == 10
        finally:
            redis.start()
        assert await spend(nonces, session, 2) == Code.STATE_UNAVAILABLE  # it is left alone for a second
        clock.now_s += 1.1
        assert await one.ready()
        assert await spend(nonces, session, 2) is None
        assert await spend(nonces, session, 2) == Code.NONCE_REJECTED
        assert await taken() == 40

    replicas(redis.url, scenario)


def test_an_address_that_holds_a_password_shows_in_no_error() -> None:
    async def scenario(one: SharedState, _other: SharedState, _clock: Clock) -> None:
        with pytest.raises(SandboxError) as error:
            await one.ask(lambda client: client.ping())
        assert error.value.code == Code.STATE_UNAVAILABLE
        assert "hunter2" not in repr(error.value) + str(error.value.__cause__)

    replicas("redis://:hunter2@127.0.0.1:1/0", scenario)
