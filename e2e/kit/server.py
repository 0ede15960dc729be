"""The product's server as the tests need it: every request written down, and answers changed on the wire.

A wall is taken away here, by a server that lost a header or altered a byte, and never by a switch of the product's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pysandbox.gateway import serve
from pysandbox.gateway.serve import DevServer

Change = Callable[[str, MutableMapping[str, str], bytes], bytes]
"""From path, headers (changed in place) and body to the body that is sent instead."""


ISOLATED = os.environ.get("PYSANDBOX_ISOLATED") == "1"
"""Whether the tests' pages are cross-origin isolated."""


class Seen(NamedTuple):
    """A request as it came in. ``port``: ``sandbox`` or ``api``."""

    port: str
    method: str
    path: str


class LabServer(DevServer):
    """A `DevServer` that remembers. ``change`` sees every answer; with one, nothing is compressed or kept in caches.

    ``isolated``: its pages ask for cross-origin isolation. ``faults``, which a test may change meanwhile: what answers
    a path in the product's place. ``offline``: every connection breaks off.
    """

    def __init__(
        self, plugins: Iterable[str | Path] = (), *, change: Change | None = None, isolated: bool = ISOLATED,
        **options: Any,
    ) -> None:
        self.requests: list[Seen] = []
        self.change = change
        self.faults: dict[str, ASGIApp] = {}
        self.offline = False
        self._isolated = isolated
        with ExitStack() as stack:
            for name, port in (("sandbox_app", "sandbox"), ("api_app", "api")):
                stack.enter_context(patch.object(serve, name, self._wrapped(getattr(serve, name), port)))
            super().__init__(plugins, **options)

    def paths(self, port: str) -> list[str]:
        return [seen.path for seen in self.requests if seen.port == port]

    def _wrapped(self, make: Callable[..., ASGIApp], port: str) -> Callable[..., ASGIApp]:
        def wrapped(*args: Any, **options: Any) -> ASGIApp:
            inner = make(*args, **options)

            async def app(scope: Scope, receive: Receive, send: Send) -> None:
                self.requests.append(Seen(port, scope["method"], scope["path"]))
                if self._isolated and scope["path"].startswith("/pages/"):
                    send = _isolating(send)
                if self.offline:
                    await _hang_up(send)
                elif scope["path"] in self.faults:
                    await self.faults[scope["path"]](scope, receive, send)
                elif self.change is None:
                    await inner(scope, receive, send)
                else:
                    await self._changed(inner, scope, receive, send)

            return app

        return wrapped

    async def _changed(self, inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        left_out = (b"accept-encoding", b"if-none-match")
        plain = [(name, value) for name, value in scope["headers"] if name not in left_out]
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=start)
            headers["Cache-Control"] = "no-store"
            if "etag" in headers:
                del headers["etag"]
            assert self.change is not None
            told = self.change(scope["path"], headers, body)
            headers["Content-Length"] = str(len(told))
            await send(start)
            await send({"type": "http.response.body", "body": told})

        await inner({**scope, "headers": plain}, receive, collect)


async def _hang_up(send: Send) -> None:
    """A connection that ends in the middle of an answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b""})


def _isolating(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Cross-Origin-Embedder-Policy"] = "require-corp"
        await send(message)

    return sent
