"""One request to a real upstream that means harm: redirects (70), bodies without end (72), slow ones (73)."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.forward import Outgoing, ask
from tests.integration.gateway.upstreams import Upstream, json_answer, raw, upstream

LIMIT = 1000


def outgoing(url: str, **changed: object) -> Outgoing:
    settings = {
        "method": "GET", "url": url, "headers": [("Accept", "application/json"), ("Authorization", "Bearer s3cr3t")],
        "body": b"", "connect_ms": 2000, "first_byte_ms": 5000, "response_bytes": LIMIT}
    return Outgoing(**{**settings, **changed})


async def asked(url: str, total_s: float = 10, **changed: object) -> tuple[int, bytes] | SandboxError:
    clients = Clients()
    try:
        async with asyncio.timeout(total_s), ask(clients.get(("127.0.0.1",)), outgoing(url, **changed)) as answer:
            return answer.status, await answer.read()
    except SandboxError as error:
        return error
    except TimeoutError:
        return SandboxError(Code.UPSTREAM_TIMEOUT)
    finally:
        await clients.close()


def code(result: object) -> Code:
    assert isinstance(result, SandboxError), result
    return result.code


def test_a_request_arrives_as_it_was_written_and_with_nothing_else() -> None:
    async def scenario() -> Upstream:
        async with upstream(json_answer({"ok": True})) as server:
            url = f"{server.url}/a%20b/%E2%82%AC?q=%2F&x"
            assert await asked(url, method="POST", body=b"{}") == (200, b'{"ok": true}')
            return server

    method, path, headers, body = asyncio.run(scenario()).requests[0]
    assert (method, path, body) == ("POST", "/a%20b/%E2%82%AC?q=%2F&x", b"{}")
    assert headers.keys() == {"Host", "Accept", "Authorization", "User-Agent", "Accept-Encoding", "Content-Length"}
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_attack_70_a_redirect_is_not_followed(status: int) -> None:
    async def scenario() -> tuple[Code, int, int]:
        async with upstream(json_answer({})) as evil:

            async def redirect(_request: web.Request) -> web.StreamResponse:
                return web.Response(status=status, headers={"Location": f"{evil.url}/stolen"})

            async with upstream(redirect) as server:
                refused = code(await asked(server.url))
                before = len(evil.requests)
                async with aiohttp.ClientSession() as naive:  # the control
                    await naive.get(server.url)
                return refused, before, len(evil.requests)

    refused, before, control = asyncio.run(scenario())
    assert (refused, before) == (Code.UPSTREAM_REFUSED, 0)
    assert control == (0 if status == 300 else 1)  # a browser's choice, no client's


def test_an_answer_that_nothing_has_changed_is_none_to_follow() -> None:
    assert against(told(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"")) == (304, b"")


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()
        assert not reader.at_eof()


def told(head: bytes, body: bytes = b"", *, then_wait: bool = False) -> (
    Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n" + body)
        await writer.drain()
        if then_wait:
            await reader.read()

    return answer


def against(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], **changed: object) -> (
    tuple[int, bytes] | SandboxError
):
    async def scenario() -> tuple[int, bytes] | SandboxError:
        async with raw(answer) as server:
            return await asked(server.url, **changed)

    return asyncio.run(scenario())


def test_attack_72_a_body_without_end_is_cut_at_its_limit() -> None:
    assert code(against(endless)) == Code.UPSTREAM_REFUSED

    async def control() -> int:
        async with raw(endless) as server, aiohttp.ClientSession() as naive, naive.get(server.url) as response:
            return len(await response.content.readexactly(100 * LIMIT))

    assert asyncio.run(control()) == 100 * LIMIT


def test_attack_72_a_body_that_says_it_is_too_long_is_not_read() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {LIMIT + 1}".encode()
    assert code(against(told(head, then_wait=True))) == Code.UPSTREAM_REFUSED


def test_a_body_of_exactly_the_limit_passes() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {LIMIT}".encode()
    assert against(told(head, b"x" * LIMIT)) == (200, b"x" * LIMIT)


def test_attack_73_an_answer_that_does_not_begin_ends_by_the_first_byte_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert code(against(silent, first_byte_ms=50)) == Code.UPSTREAM_TIMEOUT

    async def control() -> None:
        async with raw(silent) as server, aiohttp.ClientSession() as naive, asyncio.timeout(0.3):
            await naive.get(server.url)

    with pytest.raises(TimeoutError):  # our own: it would wait for as long as the upstream likes
        asyncio.run(control())


def test_attack_73_a_body_that_drips_ends_by_the_deadline() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    assert code(against(drip, total_s=0.2)) == Code.UPSTREAM_TIMEOUT

    async def control() -> int:  # what has a deadline for each read alone goes on and on
        timeout = aiohttp.ClientTimeout(total=None, sock_read=5)
        async with raw(drip) as server, aiohttp.ClientSession(timeout=timeout) as naive, naive.get(server.url) as got:
            return len(await got.content.readexactly(40))

    assert asyncio.run(control()) == 40


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 9", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"nonsense",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3", b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 100_000])
def test_a_broken_answer_is_a_coded_error_that_quotes_nothing(head: bytes) -> None:
    refused = against(told(head, b"hi"))
    assert code(refused) == Code.UPSTREAM_FAILED
    assert "127.0.0.1" not in str(refused)
    assert "xxx" not in str(refused)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP", "identity, gzip"])
def test_attack_79_a_compressed_answer_is_refused_since_it_would_pass_unmasked(coding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 2".encode()
    assert code(against(told(head, b"hi"))) == Code.UPSTREAM_REFUSED


def test_an_upstream_that_is_not_there_is_told_without_its_address() -> None:
    async def scenario() -> tuple[int, bytes] | SandboxError:
        async with raw(endless) as server:
            port = server.port
        return await asked(f"http://127.0.0.1:{port}/")

    refused = asyncio.run(scenario())
    assert code(refused) == Code.UPSTREAM_FAILED
    assert "127.0.0.1" not in str(refused)


def test_nothing_of_the_request_shows_in_its_repr() -> None:
    assert "s3cr3t" not in repr(outgoing("http://x/?key=s3cr3t"))
