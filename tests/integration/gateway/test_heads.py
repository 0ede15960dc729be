"""A request's head, over sockets: it ends, it ends in time, and nothing behind the body belongs to it.

Each test sends the same bytes to a plain uvicorn first, which is the control.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from pysandbox.gateway import wire
from pysandbox.gateway.running import Running, bind, make_server

PATIENCE_S = 60


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers that it was given, once it has read the body."""
    while (await receive()).get("more_body"):
        pass
    body = json.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def lax(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(
        app, http="httptools", access_log=False, log_config=None, lifespan="off", ws="none"))


@contextmanager
def serving(make: Callable[[ASGIApp], uvicorn.Server]) -> Generator[int]:
    """The port of a server that runs `told`."""
    [listener] = bind("127.0.0.1", [0])
    listener.listen()
    server = make(told)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(PATIENCE_S)


def sent(port: int, *parts: bytes) -> bytes:
    """What comes back for ``parts``, until the server hangs up or has answered whole."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        got = b""
        with contextlib.suppress(ConnectionError):  # a server that has hung up takes no more
            for part in parts:
                connection.sendall(part)
        with contextlib.suppress(ConnectionError):
            while b"]" not in got and b"}}" not in got and (more := connection.recv(65_536)):
                got += more
    return got


CHUNKED = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


def test_a_trailer_is_no_header() -> None:
    bytes_sent = CHUNKED + b"X-Forwarded-Host: evil.example\r\nAuthorization: Bearer another\r\n\r\n"
    with serving(lax) as port:
        assert b"evil.example" in sent(port, bytes_sent)
    with serving(make_server) as port:
        got = sent(port, bytes_sent)
    assert got.startswith(b"HTTP/1.1 200")
    assert b"a.example" in got
    assert b"evil.example" not in got
    assert b"another" not in got


LONG = {
    "one header": (b"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: ", b"a" * 1_000_000, b"\r\n\r\n"),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a.example\r\n", b"X-A: a\r\n" * 20_000, b"\r\n"),
    "trailers": (CHUNKED, b"X-A: ", b"a" * 1_000_000, b"\r\n\r\n")}


@pytest.mark.parametrize("parts", LONG.values(), ids=LONG)
def test_a_head_without_end_is_refused_and_not_kept(parts: tuple[bytes, ...]) -> None:
    with serving(lax) as port:
        assert sent(port, *parts).startswith(b"HTTP/1.1 200")
    with serving(make_server) as port:
        got = sent(port, *parts)
        if got:  # a server that hangs up on unread bytes may be cut off in its own word
            assert got.startswith(b"HTTP/1.1 431")
            assert b"MESSAGE_LIMIT" in got
        assert sent(port, b"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: " + b"a" * 60_000 + b"\r\n\r\n").startswith(
            b"HTTP/1.1 200")


HALF = {
    "nothing": (), "half a head": (b"GET / HTTP/1.1\r\nHost: a",), "empty lines": (b"\r\n",),
    "half of a second one": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n")}


@pytest.mark.parametrize("parts", HALF.values(), ids=HALF)
def test_a_head_that_does_not_come_is_not_waited_for(
    parts: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)

    def hung_up(port: int, within_s: float) -> bool:
        """Whether the server ends the connection while a byte of a head comes now and then."""
        with socket.create_connection(("127.0.0.1", port), timeout=within_s) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                while connection.recv(65_536):
                    pass
            except TimeoutError:
                return False
            except ConnectionError:
                return True
            return True

    with serving(make_server) as port:
        assert hung_up(port, PATIENCE_S)
    with serving(lax) as port:
        assert not hung_up(port, 0.5)


def test_a_question_that_waits_long_for_its_answer_is_no_slow_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.to_thread(go_on.wait, PATIENCE_S)
        await told(scope, receive, send)

    @asynccontextmanager
    async def apps() -> AsyncGenerator[Sequence[ASGIApp]]:
        yield [slow]

    [listener] = bind("127.0.0.1", [0])
    running = Running(apps, [listener])
    try:
        with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(PATIENCE_S)
            assert not threading.Event().wait(0.2)
            go_on.set()
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    finally:
        running.close()


@pytest.mark.parametrize("address", [b"http://evil.example/", b"http://a.example/", b"https://a.example:443/x"])
def test_an_address_that_names_a_host_is_refused(address: bytes) -> None:
    bytes_sent = b"GET " + address + b" HTTP/1.1\r\nHost: a.example\r\n\r\n"
    with serving(lax) as port:
        assert sent(port, bytes_sent).startswith(b"HTTP/1.1 200")
    with serving(make_server) as port:
        assert sent(port, bytes_sent + b"}}").startswith(b"HTTP/1.1 400")
