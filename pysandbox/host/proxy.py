"""``ctx.proxy`` on the host's side: a plugin's request becomes one to the gateway, and the answer is judged.

Must not know: JavaScript, what a route is. The session's token and the seed of its nonces are here and in the gateway;
no plugin's worker ever sees them. The body of an answer passes by unread, unless the gateway itself is speaking.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Final

from pysandbox.core import proxy_nonce
from pysandbox.core.broker.proxied import judged, require_connect, span_of, time_for, too_large, traceparent
from pysandbox.core.broker.proxying import Answer, Asker, Done
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.proxy_request import ProxyRequest, parse_request
from pysandbox.host.exchange import Outgoing
from pysandbox.host.gateway_client import Session
from pysandbox.host.world import World

NONCE_LIFE_MS: Final = 20_000


class GatewayProxy:
    """The proxy of one session; ``session()`` is what it is now, after renewals. ``salt``: see `span_of`."""

    def __init__(self, world: World, session: Callable[[], Session], salt: str) -> None:
        self._world = world
        self._session = session
        self._salt = salt
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
            answer = too_large()
        except ConnectionError:
            answer = SandboxError(Code.UPSTREAM_FAILED, "the gateway could not be reached")
        self._world.span(name, started_ms, cid)
        done(answer)

    def _outgoing(self, asker: Asker, id: str, request: ProxyRequest, left_ms: float, cid: str) -> Outgoing:
        session = self._session()
        if not session.gateway_origin:
            raise SandboxError(Code.ROUTE_NOT_FOUND, "this gateway has no proxy routes")
        require_connect(asker, session.gateway_origin, request)
        timeout_ms = time_for(request, left_ms)
        return Outgoing(
            id, request.verb, request.address, self._headers(session, asker, request, timeout_ms, cid),
            request.body, timeout_ms, asker.max_bytes)

    def _headers(
        self, session: Session, asker: Asker, request: ProxyRequest, timeout_ms: int, cid: str,
    ) -> Mapping[str, str]:  # fmt: skip
        bound = proxy_nonce.Bound(
            session_id=session.id, plugin=asker.name, method=request.verb, path=request.path, query=request.query,
            content_type=request.content_type, content_encoding="", headers=request.headers, body=request.body)
        now_ms = int(self._world.epoch_ms() + session.ahead_ms)
        nonce = proxy_nonce.make(
            session.nonce_seed, bound, counter=next(self._counter), expires_at_ms=now_ms + NONCE_LIFE_MS)
        headers = {
            "Authorization": f"Bearer {session.token}", "Pysandbox-Plugin": asker.name, "Pysandbox-Nonce": nonce,
            "Pysandbox-Timeout-Ms": str(timeout_ms),
            "traceparent": traceparent(cid, span_of(self._salt, asker.invocation), self._world.random_hex),
        }  # fmt: skip
        optional = {
            "Content-Type": request.content_type, "Pysandbox-Headers": request.headers,
            "Pysandbox-Correlation-Id": cid}
        return {**headers, **{name: value for name, value in optional.items() if value}}
