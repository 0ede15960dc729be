"""``ctx.proxy`` of a plugin that the gateway runs itself: to the proxy's own rules, without a way over HTTP.

The broker judges the call as a browser's host does; from there on the request is what the host would have sent, less
the session's token and the nonce. Must not know: processes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pysandbox.core.broker.proxied import judged, require_connect, time_for, too_large, traceparent
from pysandbox.core.broker.proxying import Answer, Asker, Done, Incoming
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.proxy_request import ProxyRequest, parse_request
from pysandbox.gateway.proxy import incoming
from pysandbox.gateway.proxy.endpoint import ProxyEndpoint
from pysandbox.gateway.proxy.leaving import CallerGone
from pysandbox.gateway.proxy.planning import Caller

_log: Final = logging.getLogger("pysandbox.gateway")
SUBJECT: Final = "flow"
"""Whom an upstream's kept answers are for: a flow on the server has no user of its own."""


class ServerProxy:
    """The proxy of one tenant's plugins. ``origin``: the gateway's, as connect-src of manifests names it."""

    def __init__(self, endpoint: ProxyEndpoint, tenant: str, origin: str) -> None:
        self._endpoint = endpoint
        self._tenant = tenant
        self._origin = origin
        self._open: dict[str, asyncio.Task[None]] = {}

    def ask(self, asker: Asker, id: str, asked: object, left_ms: float, cid: str, done: Done) -> None:
        """See `Proxy`."""
        try:
            request = parse_request(asked)
            require_connect(asker, self._origin, request)
        except SandboxError as error:
            done(error)
            return
        self._open[id] = asyncio.get_running_loop().create_task(
            self._exchange(asker, id, request, time_for(request, left_ms), cid, done))

    def hang_up(self, id: str) -> None:
        """See `Proxy`."""
        task = self._open.pop(id, None)
        if task is not None:
            task.cancel()

    async def _exchange(
        self, asker: Asker, id: str, request: ProxyRequest, timeout_ms: int, cid: str, done: Done,
    ) -> None:  # fmt: skip
        heard = _Heard(asker.max_bytes)
        head = incoming.Incoming(request.verb, request.path, request.query, _fields(request, timeout_ms, cid))
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                caller = Caller(self._tenant, SUBJECT, asker.name)
                with suppress(CallerGone):  # it has heard enough
                    await self._endpoint.ask(caller, head, request.body, heard.send)
            answer = heard.answer()
        except TimeoutError:
            answer = SandboxError(Code.UPSTREAM_TIMEOUT, "the gateway had no answer within the request's timeout_ms")
        except Exception:  # noqa: BLE001  # a fault of ours: whoever waits is told, as over HTTP
            _log.exception("a proxied request of %s failed, correlation id %s", asker.name, cid)
            answer = SandboxError(Code.INTERNAL_ERROR)
        self._open.pop(id, None)
        done(answer)


def _fields(request: ProxyRequest, timeout_ms: int, cid: str) -> Mapping[str, str]:
    return {
        "content-type": request.content_type, "pysandbox-headers": request.headers,
        "pysandbox-timeout-ms": str(timeout_ms), "pysandbox-correlation-id": cid,
        "traceparent": traceparent(cid, secrets.token_hex(8), secrets.token_hex)}


class _Heard:
    """An answer over ASGI, collected up to ``max_bytes``: beyond them nobody listens any more."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._ended = self._too_large = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
            return
        self._too_large = len(self._body) + len(message["body"]) > self._max_bytes
        if self._too_large:
            raise CallerGone
        self._body += message["body"]
        self._ended = not message["more_body"]

    def answer(self) -> Answer:
        if self._too_large:
            return too_large()
        if not self._ended:
            return SandboxError(Code.UPSTREAM_FAILED, "the upstream's answer broke off")
        body = bytes(self._body)
        return judged(Incoming(self._status, self._headers, body, lambda: body))
