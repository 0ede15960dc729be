"""A caller that hangs up takes its request along, over real sockets: the upstream sees its connection end."""

import asyncio
import queue

import aiohttp
import pytest

from tests.integration.gateway.proxies import Backing, Host, gateway, route_body
from tests.integration.gateway.upstreams import raw

PATIENCE_S = 20


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_a_caller_that_hangs_up_ends_the_upstreams_request(masked: bool, begun: bool) -> None:
    """Before the answer has begun, and in the middle of it; nothing of that counts against the upstream."""
    asked, hung_up, told = asyncio.Event(), asyncio.Event(), queue.Queue[tuple[object, ...]]()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if begun:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
            await writer.drain()
        asked.set()
        while await reader.read(1024):
            pass
        hung_up.set()

    async def ask_and_leave(host: Host) -> None:
        asked.clear()
        hung_up.clear()
        async with aiohttp.ClientSession() as client, asyncio.timeout(PATIENCE_S):
            asking = asyncio.create_task(host.send(client))
            await asked.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(PATIENCE_S):
            await hung_up.wait()

    async def started() -> None:
        async with raw(endless) as server:
            fields = {"responseTransform": {"maskFields": ["ssn"]}} if masked else {}
            backing = Backing([route_body(
                server.url, timeoutMs=30_000, circuitBreaker={"failures": 1},
                rateLimit={"requestsPerMinute": 6000, "burstSize": 500, "concurrency": 1}, **fields)])
            with gateway(backing, done=lambda *end: told.put(end)) as origin:
                host = Host(origin)
                for _ in range(3):  # else the breaker opens at the first, or the only slot stays taken
                    await ask_and_leave(host)
                    _route, outcome, _status, code = await asyncio.to_thread(told.get, timeout=PATIENCE_S)
                    assert (outcome, code) == ("gone", None)
            assert len(server.requests) == 3

    asyncio.run(started())
