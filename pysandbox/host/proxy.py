"""``ctx.proxy`` on the host's side: a plugin's request becomes one to the gateway, and the answer is judged.

Must not know: JavaScript, what a route is. The session's token and the seed of its nonces are here and in the gateway;
no plugin's worker ever sees them. The body of an answer passes by unread, unless the gateway itself is speaking.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from pysandbox.core import proxy_nonce, strict_json
from pysandbox.core.broker.proxying import PERMISSION, Answer, Asker, Done, Incoming
from pysandbox.core.errors import Code, PermissionDenied, SandboxError
from pysandbox.core.proxy_request import ProxyRequest, parse_request
from pysandbox.host.exchange import Outgoing
from pysandbox.host.gateway_client import Session
from pysandbox.host.world import World

NONCE_LIFE_MS: Final = 20_000
MAX_ERROR_BYTES: Final = 64 * 1024

# What a plugin may be told of why the gateway refused; the rest is the operator's, and is told as UPSTREAM_FAILED.
TOLD: Final = frozenset({
    Code.ROUTE_NOT_FOUND, Code.PERMISSION_DENIED, Code.RATE_LIMIT, Code.MESSAGE_LIMIT, Code.INPUT_INVALID,
    Code.METHOD_NOT_ALLOWED, Code.REQUEST_TIMEOUT, Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_FAILED, Code.UPSTREAM_REFUSED,
    Code.UPSTREAM_UNAVAILABLE, Code.ADDRESS_NOT_ALLOWED, Code.CREDENTIALS_UNAVAILABLE, Code.CREDENTIALS_NOT_ALLOWED,
    Code.STATE_UNAVAILABLE,
})  # fmt: skip
_HEADER_NAME: Final = re.compile(r"[a-z0-9-]+")
_FOR_PLUGINS: Final = frozenset({"ratelimit", "ratelimit-policy"})
"""The gateway's own headers that say something to a plugin; the others are for browsers."""
_OURS: Final = ("pysandbox-", "traceparent", "tracestate", "access-control-")


class GatewayProxy:
    """The proxy of one session; ``session()`` is what it is now, after renewals."""

    def __init__(self, world: World, session: Callable[[], Session]) -> None:
        self._world = world
        self._session = session
        self._counter = itertools.count()

    def ask(self, asker: Asker, id: str, asked: object, left_ms: float, cid: str, done: Done) -> None:
        """See `Proxy`."""
        try:
            request = parse_request(asked)
            outgoing = self._outgoing(asker, id, request, left_ms, cid)
        except SandboxError as error:
            done(error)
            return
        name = f"pysandbox proxy {asker.name} {request.verb} {request.path[:128]}"
        self._world.begin(self._exchange(outgoing, name, cid, done))

    def hang_up(self, id: str) -> None:
        """See `Proxy`."""
        self._world.hang_up(id)

    async def _exchange(self, outgoing: Outgoing, name: str, cid: str, done: Done) -> None:
        started_ms = self._world.now_ms()
        try:
            answer: Answer = judged(await self._world.exchange(outgoing))
        except TimeoutError:
            answer = SandboxError(Code.UPSTREAM_TIMEOUT, "the gateway had no answer within the request's timeout_ms")
        except OverflowError:
            answer = SandboxError(Code.MESSAGE_LIMIT, "the answer is larger than isolation.limits.bufferBytes")
        except ConnectionError:
            answer = SandboxError(Code.UPSTREAM_FAILED, "the gateway could not be reached")
        self._world.span(name, started_ms, cid)
        done(answer)

    def _outgoing(self, asker: Asker, id: str, request: ProxyRequest, left_ms: float, cid: str) -> Outgoing:
        session = self._session()
        if not session.gateway_origin:
            raise SandboxError(Code.ROUTE_NOT_FOUND, "this gateway has no proxy routes")
        if not asker.csp.allows("connect-src", session.gateway_origin + request.path):
            raise PermissionDenied(
                PERMISSION, f"the connect-src of the manifest's csp does not cover {session.gateway_origin}")
        timeout_ms = max(1, int(min(request.timeout_ms or left_ms, left_ms)))
        return Outgoing(
            id, request.verb, request.address, self._headers(session, asker.name, request, timeout_ms, cid),
            request.body, timeout_ms, asker.max_bytes)

    def _headers(
        self, session: Session, plugin: str, request: ProxyRequest, timeout_ms: int, cid: str,
    ) -> Mapping[str, str]:  # fmt: skip
        bound = proxy_nonce.Bound(
            session_id=session.id, plugin=plugin, method=request.verb, path=request.path, query=request.query,
            content_type=request.content_type, content_encoding="", headers=request.headers, body=request.body)
        now_ms = int(self._world.epoch_ms() + session.ahead_ms)
        nonce = proxy_nonce.make(
            session.nonce_seed, bound, counter=next(self._counter), expires_at_ms=now_ms + NONCE_LIFE_MS)
        headers = {
            "Authorization": f"Bearer {session.token}", "Pysandbox-Plugin": plugin, "Pysandbox-Nonce": nonce,
            "Pysandbox-Timeout-Ms": str(timeout_ms), "traceparent": self._traceparent(cid),
        }  # fmt: skip
        optional = {
            "Content-Type": request.content_type, "Pysandbox-Headers": request.headers,
            "Pysandbox-Correlation-Id": cid}
        return {**headers, **{name: value for name, value in optional.items() if value}}

    def _traceparent(self, cid: str) -> str:
        """W3C trace context: the trace is the correlation id's, so that both lead to the same records."""
        trace = hashlib.sha256(cid.encode()).hexdigest()[:32] if cid else self._world.random_hex(16)
        return f"00-{trace}-{self._world.random_hex(8)}-01"


def judged(answer: Incoming) -> Answer:
    """The answer as the plugin may have it; the gateway's own failure as an error."""
    outcome = answer.headers.get("pysandbox-outcome")
    if outcome in ("upstream", "cached"):
        shown = _FOR_PLUGINS.union(answer.headers.get("pysandbox-shown", "").split(","))
        kept = {
            name: value for name, value in answer.headers.items()
            if name in shown and _HEADER_NAME.fullmatch(name) and not name.startswith(_OURS)}
        return Incoming(answer.status, kept, answer.body, answer.read)
    if len(answer.body) > MAX_ERROR_BYTES:
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway answered with status {answer.status}")
    return _told(answer.read(), answer.status)


def _told(body: bytes, status: int) -> SandboxError:
    try:
        envelope = cast(Any, strict_json.loads(body.decode(), max_chars=MAX_ERROR_BYTES))
        code, message = Code(envelope["error"]["code"]), str(envelope["error"]["message"])[:500]
    except (UnicodeDecodeError, SandboxError, KeyError, TypeError, ValueError):
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway answered with status {status}")
    if code is Code.PERMISSION_DENIED:
        return PermissionDenied(PERMISSION, message)
    if code is Code.NOT_FOUND:
        return SandboxError(Code.ROUTE_NOT_FOUND)
    if code not in TOLD:
        return SandboxError(Code.UPSTREAM_FAILED, f"the gateway refused the request ({code.value})")
    return SandboxError(code, message)
