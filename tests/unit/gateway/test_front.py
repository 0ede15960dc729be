"""A prefix is taken off, and only a trusted proxy may say which host was asked for."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from pysandbox.gateway import errors
from pysandbox.gateway.front import Front

PROXY = "10.0.0.7"


def passed(
    path: str = "/x", client: str = PROXY, prefix: str = "", **headers: str
) -> tuple[int, dict[bytes, list[bytes]], bytes]:
    """The status, and the headers and raw path that got through."""
    seen: list[Scope] = []
    statuses: list[int] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request"}

    front = Front(app, errors.envelope, prefix=prefix, trusted=[ipaddress.ip_network("10.0.0.0/24")])
    lines = [(b"host", b"inner"), *((n.replace("_", "-").encode(), v.encode()) for n, v in headers.items())]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": lines,
        "client": (client, 1)}
    asyncio.run(front(scope, receive, send))
    got: dict[bytes, list[bytes]] = {}
    for name, value in seen[0]["headers"] if seen else []:
        got.setdefault(name, []).append(value)
    return statuses[0], got, seen[0]["raw_path"] if seen else b""


def test_a_trusted_proxy_says_which_host_was_asked_for() -> None:
    status, headers, _ = passed(x_forwarded_host="api.example", x_forwarded_for="1.2.3.4", forwarded="host=a")
    assert status == 200
    assert headers == {b"host": [b"api.example"]}


@pytest.mark.parametrize("client", ["10.0.1.7", "1.2.3.4", "testclient", "::1"])
def test_from_anyone_else_it_is_taken_away(client: str) -> None:
    assert passed(client=client, x_forwarded_host="api.example")[1] == {b"host": [b"inner"]}


def test_two_hosts_are_none() -> None:
    assert passed(x_forwarded_host="a.example, b.example")[0] == 421


@pytest.mark.parametrize(("path", "inside"), [
    ("/pre/proxy/a%2fb", b"/proxy/a%2fb"), ("/proxy/a", b"/proxy/a"), ("/prefix/proxy", b"/prefix/proxy"),
    ("/pre", b"/pre")])
def test_a_prefix_is_taken_off_where_it_is(path: str, inside: bytes) -> None:
    assert passed(path, prefix="/pre")[2] == inside
