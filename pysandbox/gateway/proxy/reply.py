"""Answers of the proxy over ASGI: the upstream's, a kept one, or our own error envelope, told apart by one header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from starlette.types import Send

from pysandbox.core.errors import SandboxError
from pysandbox.gateway import errors
from pysandbox.gateway.headers import api as api_headers
from pysandbox.gateway.proxy.headers import ADDED
from pysandbox.gateway.proxy.limits import Limited
from pysandbox.gateway.proxy.planning import Caller
from pysandbox.gateway.proxy.trace import Trace

RawHeaders = list[tuple[bytes, bytes]]


class AsgiReply:
    """What `exchange.Exchange` answers to.

    ``extra``: rate headers, once they are known, as the name of the ``route``; ``caller``: once it was let in.
    ``bytes``: of bodies, so far; ``ended``: the last of them was handed over; ``upstream_ms``: what of the time the
    upstream's part took.
    """

    def __init__(self, send: Send, trace: Trace) -> None:
        self._send = send
        self.trace = trace
        self.begun = False
        self.ended = False
        self.route = ""
        self.status = 0
        self.bytes = 0
        self.outcome = "gateway"
        self.extra: Mapping[str, str] = {}
        self.upstream_ms = 0.0
        self.caller: Caller | None = None

    async def whole(self, outcome: str, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        lines = self._lines(outcome, headers)
        if status not in {204, 304}:
            lines.append((b"content-length", str(len(body)).encode()))
        await self._begin(outcome, status, lines)
        await self.piece(body, last=True)

    async def start(self, outcome: str, status: int, headers: Sequence[tuple[str, str]]) -> None:
        await self._begin(outcome, status, self._lines(outcome, headers))

    async def piece(self, data: bytes, *, last: bool) -> None:
        self.bytes += len(data)
        self.ended = last
        if data or last:
            await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def error(self, error: SandboxError) -> None:
        """Our own envelope. Once an answer has begun there is nothing left to say."""
        if self.begun:
            return
        status = errors.STATUS.get(error.code, 500)
        response = errors.envelope(status, error, self.trace.correlation_id)
        more = error.headers if isinstance(error, Limited) else {}
        lines = [*response.raw_headers, *self._own("gateway"), *_raw({**self.extra, **more}.items())]
        await self._begin("gateway", status, lines)
        await self.piece(bytes(response.body), last=True)

    async def _begin(self, outcome: str, status: int, lines: RawHeaders) -> None:
        self.begun, self.outcome, self.status = True, outcome, status
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    def _lines(self, outcome: str, shown: Sequence[tuple[str, str]]) -> RawHeaders:
        lines = dict(_STRICT)
        lines.update(_raw(shown))
        return [*lines.items(), (b"pysandbox-shown", _names(shown)), *self._own(outcome), *_raw(self.extra.items())]

    def _own(self, outcome: str) -> RawHeaders:
        return [
            (b"pysandbox-outcome", outcome.encode()),
            (b"pysandbox-correlation-id", self.trace.correlation_id.encode()),
            (b"traceparent", self.trace.traceparent.encode())]


def _names(shown: Sequence[tuple[str, str]]) -> bytes:
    """Which of an answer's headers are the upstream's: the host hands no others on to the plugin."""
    return b",".join(name.lower().encode("latin-1") for name, _value in shown if name not in _ADDED)


def _raw(pairs: Iterable[tuple[str, str]]) -> RawHeaders:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


_ADDED: Final = {name for name, _value in ADDED}
_STRICT: Final = _raw(api_headers().items())
