"""Access tokens: one fetch for all who wait (attack 75), renewal beside use, one forced renewal for each interval."""

import asyncio
import base64
import json
from collections.abc import Mapping
from urllib.parse import parse_qs

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.oauth import Tokens
from pysandbox.gateway.vault.secret import Secret

SECRET = Secret({
    "clientId": "id:1", "clientSecret": "s3cr3t & co", "tokenUrl": "https://login.example/token", "scope": "risk:read"})
KEY = ("acme", "vault://prod/risk")


class Endpoint:
    """A token endpoint: answers ``token-1``, ``token-2``… when ``gate`` is open."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answer: dict[str, object] = {"token_type": "Bearer", "expires_in": 1000}
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.asked.append((url, headers, body))
        number = len(self.asked)
        await self.gate.wait()
        return self.status, json.dumps({"access_token": f"token-{number}", **self.answer}).encode()


class World:
    def __init__(self) -> None:
        self.now = 50.0
        self.jitter = 0.0
        self.endpoint = Endpoint()
        self.tokens = Tokens(clock=lambda: self.now, jitter=lambda: self.jitter)

    async def get(self, secret: Secret = SECRET, interval_s: float = 300) -> str:
        return await self.tokens.get(KEY, secret, self.endpoint.post, interval_s=interval_s)

    def refused(self, token: str) -> bool:
        return self.tokens.refused(KEY, SECRET, token, interval_s=300)


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def run(scenario) -> None:
    async def started() -> None:
        await scenario(World())

    asyncio.run(started())


async def stampede(world: World, count: int = 100) -> int:
    world.endpoint.gate.clear()
    waiting = [asyncio.create_task(world.get()) for _ in range(count)]
    await settle()
    world.endpoint.gate.set()
    await asyncio.gather(*waiting)
    return len(world.endpoint.asked)


def test_attack_75_a_hundred_requests_make_one_token_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        assert await stampede(world) == 1

    async def control(world: World) -> None:
        fetch = Tokens._fetch

        def alone(tokens, held, *rest):
            held.fetching = None
            return fetch(tokens, held, *rest)

        monkeypatch.setattr(Tokens, "_fetch", alone)
        assert await stampede(world) == 100

    run(scenario)
    run(control)


def test_the_request_is_the_one_of_the_standard() -> None:
    async def scenario(world: World) -> None:
        assert await world.get() == "token-1"
        url, headers, body = world.endpoint.asked[0]
        assert url == "https://login.example/token"
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"id%3A1:s3cr3t+%26+co"
        assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "scope": ["risk:read"]}

    run(scenario)


@pytest.mark.parametrize(("life_s", "interval_s", "jitter", "renewed_after_s"), [
    (1000, 300, 0, 300), (300, 300, 0, 240), (1000, 300, 1, 270), ("300", 900, 0, 240), (None, 900, 0, 240),
    (True, 900, 0, 240), (-1, 900, 0, 240)])
def test_a_token_is_renewed_at_the_smaller_of_four_fifths_and_the_interval_less_jitter(
    life_s: object, interval_s: float, jitter: float, renewed_after_s: float
) -> None:
    async def scenario(world: World) -> None:
        world.jitter = jitter
        world.endpoint.answer["expires_in"] = life_s
        await world.get(interval_s=interval_s)
        world.now += renewed_after_s - 0.1
        assert await world.get(interval_s=interval_s) == "token-1"
        await settle()
        assert len(world.endpoint.asked) == 1
        world.now += 0.2
        assert await world.get(interval_s=interval_s) == "token-1"  # nobody waits for the new one
        await settle()
        assert await world.get(interval_s=interval_s) == "token-2"

    run(scenario)


def test_a_token_that_has_ended_is_waited_for() -> None:
    async def scenario(world: World) -> None:
        await world.get()
        world.now += 996
        assert await world.get() == "token-2"

    run(scenario)


def test_a_thousand_refusals_renew_once_for_each_interval() -> None:
    async def scenario(world: World) -> None:
        token = await world.get()
        assert [world.refused(token) for _ in range(3)] == [True, True, True]  # the first; then the token is gone
        token = await world.get()
        assert token == "token-2"
        assert not world.refused(token)
        world.now += 299
        assert not world.refused(token)
        assert await world.get() == token
        world.now += 1
        assert world.refused(token)
        assert await world.get() == "token-3"

    run(scenario)


def test_a_rotated_secret_gets_a_token_of_its_own() -> None:
    async def scenario(world: World) -> None:
        await world.get()
        assert await world.get(Secret({**SECRET.values, "clientSecret": "rotated"})) == "token-2"

    run(scenario)


def test_an_endpoint_that_fails_is_left_to_rest_and_then_asked_again() -> None:
    async def scenario(world: World) -> None:
        world.endpoint.status = 500
        for _ in range(10):
            with pytest.raises(SandboxError) as error:
                await world.get()
            assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
            await settle()
        assert len(world.endpoint.asked) == 1
        world.now += 1.1
        world.endpoint.status = 200
        assert await world.get() == "token-2"

    run(scenario)


def test_a_renewal_that_fails_leaves_the_token_in_use_until_its_end() -> None:
    async def scenario(world: World) -> None:
        await world.get()
        world.endpoint.status = 503
        world.now += 301
        assert await world.get() == "token-1"
        await settle()
        assert await world.get() == "token-1"
        assert len(world.endpoint.asked) == 2

    run(scenario)


@pytest.mark.parametrize("answer", [
    {"access_token": ""}, {"access_token": 5}, {"access_token": "a b"}, {"access_token": "a\r\nX-Evil: 1"},
    {"access_token": "ü"}, {"token_type": "mac"}, {"token_type": None}])
def test_an_answer_that_is_no_bearer_token_is_refused_without_quoting_it(answer: dict[str, object]) -> None:
    async def scenario(world: World) -> None:
        world.endpoint.answer.update(answer)
        with pytest.raises(SandboxError) as error:
            await world.get()
        assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
        assert "Evil" not in str(error.value)
        await settle()

    run(scenario)


def test_a_secret_without_what_a_token_needs_is_told_by_name() -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(SandboxError) as error:
            await world.get(Secret({"clientId": "x"}))
        assert "clientSecret, tokenUrl" in error.value.message
        await settle()

    run(scenario)
