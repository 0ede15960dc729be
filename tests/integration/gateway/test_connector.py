"""Address checks at real sockets (attack 69): what is dialled is what was judged, at each connection."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence

import aiohttp
import pytest
import requests
from aiohttp.abc import AbstractResolver, ResolveResult

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.weburl import parse_url
from pysandbox.gateway.proxy.connector import Clients
from tests.integration.gateway.upstreams import json_answer, upstream


class Names(AbstractResolver):
    """A name server of an attacker's: each question gets the next answer, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC  # noqa: ARG002
    ) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=0,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET)
            for address in found]

    async def close(self) -> None:
        pass


async def reached(client: aiohttp.ClientSession, url: str) -> Code | int:
    try:
        async with client.get(url) as response:
            return response.status
    except SandboxError as error:
        return error.code


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("literal", [True, False])
def test_attack_69_inside_addresses_are_never_dialled(address: str, literal: bool) -> None:
    async def scenario() -> Code | int:
        names = Names([address])
        clients = Clients(resolver=lambda: names)
        host = (f"[{address}]" if ":" in address else address) if literal else "innocent.example"
        try:
            return await reached(clients.get(), f"http://{host}:9/")
        finally:
            await clients.close()

    assert asyncio.run(scenario()) == Code.ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize("authority", [
    "allowed.example@127.0.0.1:PORT", "allowed.example:80@127.0.0.1:PORT", "2130706433:PORT", "0x7f.1:PORT",
    "0177.0.0.1:PORT", "127.1:PORT"])
def test_attack_10_a_host_in_disguise_is_neither_a_url_nor_dialled(authority: str) -> None:
    async def scenario() -> tuple[int, int]:
        async with upstream(json_answer({})) as inside:
            url = f"http://{authority}/".replace("PORT", str(inside.port))
            with pytest.raises(ValueError, match=r"refused|user"):
                parse_url(url)
            clients = Clients()
            with contextlib.suppress(aiohttp.InvalidURL):  # some of them are refused even before they are looked up
                assert await reached(clients.get(), url) == Code.ADDRESS_NOT_ALLOWED
            await clients.close()
            before = len(inside.requests)
            naive = await asyncio.to_thread(requests.get, url, timeout=10)  # the control: it takes the text as it is
            return before, naive.status_code

    assert asyncio.run(scenario()) == (0, 200)


def test_attack_69_a_name_that_turns_inwards_after_it_was_looked_up_is_refused() -> None:
    async def scenario() -> tuple[Code | int, Code | int, Code | int, int]:
        async with upstream(json_answer({})) as inside:
            url = f"http://rebinding.example:{inside.port}/"
            # The control: a client without the wall follows the name inside.
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=Names(["127.0.0.1"]), use_dns_cache=False)) as naive:
                control = await reached(naive, url)
            # Public when the route was made and while nothing answers there, then inside.
            clients = Clients(resolver=lambda: names)
            names = Names(["127.0.0.1"])
            turned = await reached(clients.get(), url)
            # One address of several is enough: whichever is dialled first must not be luck.
            names.answers = [["93.184.215.14", "127.0.0.1"]]
            mixed = await reached(clients.get(), url)
            await clients.close()
            return control, turned, mixed, len(inside.requests)

    assert asyncio.run(scenario()) == (200, Code.ADDRESS_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED, 1)


def test_attack_69_a_pooled_connection_serves_no_upstream_that_could_not_have_opened_it() -> None:
    async def scenario() -> list[Code | int]:
        async with upstream(json_answer({})) as inside:
            clients = Clients(resolver=lambda: Names(["127.0.0.1"]))
            url = f"http://inside.example:{inside.port}/"
            results = [
                await reached(clients.get(("127.0.0.1",)), url),  # opened by its operator, and pooled
                await reached(clients.get(), url),
                await reached(clients.get(("10.0.0.0/8",)), url)]
            await clients.close()
            return results

    assert asyncio.run(scenario()) == [200, Code.ADDRESS_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED]


def test_each_connection_looks_the_name_up_again() -> None:
    async def scenario() -> int:
        async with upstream(json_answer({}, headers={"Connection": "close"})) as inside:
            names = Names(["127.0.0.1"])
            clients = Clients(resolver=lambda: names)
            for _ in range(3):
                assert await reached(clients.get(("127.0.0.1",)), f"http://inside.example:{inside.port}/") == 200
            await clients.close()
            return names.asked

    assert asyncio.run(scenario()) == 3


def test_a_refusal_names_no_address() -> None:
    async def scenario() -> str:
        clients = Clients(resolver=lambda: Names(["10.11.12.13"]))
        try:
            with pytest.raises(SandboxError) as error:
                await clients.get().get("http://inside.example/")
            return str(error.value)
        finally:
            await clients.close()

    assert "10.11" not in asyncio.run(scenario())


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[Code | int, int]:
        async with upstream(json_answer({})) as inside, upstream(json_answer({}, status=418)) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.url)
            clients = Clients()
            try:
                return await reached(clients.get(("127.0.0.1",)), inside.url), len(proxy.requests)
            finally:
                await clients.close()

    assert asyncio.run(scenario()) == (200, 0)
