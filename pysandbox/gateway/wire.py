"""HTTP on a socket, as strict as a server that strangers reach has to be: a head has an end, and nothing adds to it.

uvicorn's parser keeps a head of any length for any time, and takes what stands behind a chunked body for headers: those
would have passed whatever stands in front unseen. Must not know: hosts, routes, what a request asks.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pysandbox.core.errors import Code

MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request's line and headers together; trailers have as much."""
HEAD_S: Final = 20.0
"""Within which a request's head has to be there, counted from its first byte or from the connection's beginning."""


class Refused(Exception):
    """Raised inside of the parser, which then takes nothing more."""


class StrictProtocol(HttpToolsProtocol):
    """One connection. Its parser calls the methods that begin with ``on_``."""

    _head = True
    """Whether headers that come are those of a head. Otherwise they are trailers, which nobody here asks for."""
    _framing = False
    """Whether what comes is a head, or stands between the chunks of a body: what the parser holds until it ends."""
    _framed_bytes = 0
    _too_long = False
    _answering = False
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        framing = self._framing
        super().data_received(data)
        if self.transport.is_closing():
            return
        if framing and self._framing:
            self._framed_bytes += len(data)
            if self._framed_bytes > MAX_HEAD_BYTES:
                self._too_long = True
                self.send_400_response("")
                return
        if not self._answering:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        if not self._too_long:
            super().send_400_response(msg)
            return
        body = json.dumps({"error": {
            "code": Code.MESSAGE_LIMIT, "message": f"a request's head has at most {MAX_HEAD_BYTES} bytes",
            "details": [], "retryable": False, "correlationId": ""}}).encode()
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body))
        self.transport.close()

    # --- the parser's words ---
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._framing = True
        self._framed_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES:
            self._too_long = True
            raise Refused("the head is too long")
        if not self.url.startswith(b"/") and self.url != b"*":
            raise Refused("the address names a host: that is what Host is for, and two names could differ")
        self._head = self._framing = False
        self._answering = True
        self._rest()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._framing = True
        self._framed_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._framing = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._framing = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._answering = bool(self.pipeline)
        super().on_response_complete()
        if self._framing:  # of the next request: it began before this one was answered
            self._wait()

    # --- time ---
    def _wait(self) -> None:
        if self._watch is None:
            self._watch = self.loop.call_later(HEAD_S, self._give_up)

    def _rest(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _give_up(self) -> None:
        self._watch = None
        if not self.transport.is_closing():
            self.transport.close()

