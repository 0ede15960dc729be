"""``/proxy/…``: the one place where policy and I/O meet, in the order that costs a stranger most and us least.

Session, plugin, route, rate; only then the body is read, the nonce checked and spent, and the request decided. What is
decided goes to the `Exchange`. Every failure is the gateway's envelope, with the request's own correlation id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from pysandbox.core import proxy_nonce
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import GatewaySession, SessionStore
from pysandbox.gateway.proxy.exchange import Exchange
from pysandbox.gateway.proxy.incoming import Incoming, read_body, read_head
from pysandbox.gateway.proxy.leaving import CallerGone, while_there
from pysandbox.gateway.proxy.limits import Allowance, Limits
from pysandbox.gateway.proxy.nonces import NonceStore
from pysandbox.gateway.proxy.observing import Observed, Observer
from pysandbox.gateway.proxy.planning import Caller, plan
from pysandbox.gateway.proxy.policy import PERMISSION, Barred, Decision, ProxyAsk, Session, decide, find_route
from pysandbox.gateway.proxy.reply import AsgiReply
from pysandbox.gateway.proxy.route import Route
from pysandbox.gateway.proxy.trace import Trace, read_trace


class RouteSource(Protocol):
    """The routes of a tenant, as they are now."""

    async def routes(self, tenant: str) -> Sequence[Route]: ...


class PluginGate(Protocol):
    """Which plugins may call."""

    async def require_enabled(self, tenant: str, plugin: str) -> None:
        """Raises `SandboxError` ``PLUGIN_BLOCKED`` or ``PLUGIN_NOT_FOUND`` for an ``id@version`` that may not."""
        ...


@dataclass(frozen=True, slots=True)
class _Grants:
    grants: frozenset[str]


_GRANTED: Final = _Grants(frozenset({PERMISSION}))
"""Of a plugin whose own grant `PluginGate` has seen."""

@dataclass(frozen=True, slots=True)
class Proxied:
    """A request that has ended. ``outcome``: who answered; ``upstream_ms``: the part that lies behind our decision."""

    caller: Caller
    route: str
    method: str
    outcome: str
    status: int
    code: Code | None
    trace: Trace
    took_ms: float
    upstream_ms: float


Done = Callable[[str, str, int, Code | None], None]
"""``(route, outcome, status, code)`` of a request that has ended; ``route`` is "" where it came to none."""
Told = Callable[[Proxied], None]
"""Hears of a request that its limits have let in."""


def trace_nothing(_ended: Proxied) -> None:
    """For a proxy without telemetry."""


def tell_nobody(_route: str, _outcome: str, _status: int, _code: Code | None) -> None:
    """For a proxy without metrics."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one session, and one plugin in all sessions, may send over all routes; a route has a rate of its own."""

    session_per_minute: int = 300
    session_burst: int = 60
    plugin_per_minute: int = 12_000
    plugin_burst: int = 1_000


@dataclass(frozen=True, slots=True)
class ProxyEndpoint:
    """An ASGI application for everything under ``/proxy/``. ``now_ms()``: epoch milliseconds.

    ``clock_ms()``: milliseconds that never go back. ``done`` hears how each request ended, for metrics, ``traced`` what
    it was part of, and ``observer`` what was odd about it.
    """

    sessions: SessionStore
    plugins: PluginGate
    routes: RouteSource
    limits: Limits
    nonces: NonceStore
    exchange: Exchange
    rates: Rates
    now_ms: Callable[[], int]
    random_hex: Callable[[int], str]
    clock_ms: Callable[[], float]
    done: Done
    traced: Told
    body_s: float
    observer: Observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields: dict[bytes, bytes] = dict(scope["headers"])
        trace = read_trace(
            fields.get(b"pysandbox-correlation-id", b"").decode("latin-1"),
            fields.get(b"traceparent", b"").decode("latin-1"), self.random_hex)
        reply = AsgiReply(send, trace)
        await self._end(reply, scope["method"], lambda: self._answer(read_head(scope), receive, reply))

    async def ask(self, caller: Caller, head: Incoming, body: bytes, send: Send) -> None:
        """Answer a plugin that this gateway runs itself. There is neither a session nor a nonce: nobody came between.

        All else holds as for a browser's: the plugin's state and grant, its rate and the route's, policy, masking.
        """
        fields = head.fields
        reply = AsgiReply(send, read_trace(
            fields.get("pysandbox-correlation-id", ""), fields.get("traceparent", ""), self.random_hex))

        async def answer() -> None:
            route = await self._opened(caller, head, reply, [])
            await self._exchange(caller, _GRANTED, route, head, body, reply)

        await self._end(reply, head.method, answer)

    async def _end(self, reply: AsgiReply, method: str, answer: Callable[[], Awaitable[None]]) -> None:
        began_ms = self.clock_ms()
        code: Code | None = None
        try:
            await answer()
        except SandboxError as error:
            code = error.code
            await reply.error(error)
        except CallerGone:
            reply.outcome = "gone"
        except asyncio.CancelledError:
            reply.outcome = "gone"
            raise
        finally:
            self.done(reply.route, reply.outcome, reply.status, code)
            if reply.caller is not None:
                self.traced(Proxied(
                    reply.caller, reply.route, method, reply.outcome, reply.status, code, reply.trace,
                    self.clock_ms() - began_ms, reply.upstream_ms))

    async def _answer(self, head: Incoming, receive: Receive, reply: AsgiReply) -> None:
        session = await self.sessions.find(head.token)
        caller, rates = Caller(session.tenant, session.subject, head.plugin), self.rates
        route = await self._opened(caller, head, reply, [Allowance(
            "session", f"s:{session.session_id}", rates.session_per_minute, rates.session_burst)])
        body = await read_body(receive, head.fields, max_bytes=route.request_bytes, within_s=self.body_s)
        await self._spend(head, session, caller.plugin, body)
        exchange = self._exchange(caller, session, route, head, body, reply)
        await while_there(receive, exchange, lambda: reply.ended)

    async def _opened(self, caller: Caller, head: Incoming, reply: AsgiReply, more: Sequence[Allowance]) -> Route:
        """The route, whose allowance and the caller's it has taken."""
        await self.plugins.require_enabled(caller.tenant, caller.plugin)
        route = find_route(head.path, await self.routes.routes(caller.tenant))
        reply.route = route.name
        reply.extra = await self.limits.take([*more, *self._allowances(caller, route)])
        reply.caller = caller  # from here on it is traced: what no limit bounds would fill the disk
        return route

    async def _exchange(
        self, caller: Caller, session: Session, route: Route, head: Incoming, body: bytes, reply: AsgiReply,
    ) -> None:  # fmt: skip
        observed = self.observer.of(caller.tenant, route)
        decision = _decided(_asked(head, caller.plugin, body), route, session, observed)
        made = plan(decision, route, caller, head, reply.trace, observed)
        began_ms = self.clock_ms()
        try:
            await self.exchange.run(made, reply)
        finally:
            reply.upstream_ms = self.clock_ms() - began_ms
        if made.mask is None and observed is not None and reply.outcome == "upstream":
            observed.sized(reply.bytes)

    async def _spend(self, head: Incoming, session: GatewaySession, plugin: str, body: bytes) -> None:
        bound = proxy_nonce.Bound(
            session_id=session.session_id, plugin=plugin, method=head.method, path=head.path, query=head.query,
            content_type=head.fields.get("content-type", ""),
            content_encoding=head.fields.get("content-encoding", ""),
            headers=head.fields.get("pysandbox-headers", ""), body=body)
        nonce = proxy_nonce.check(
            head.fields.get("pysandbox-nonce", ""), session.nonce_seed, bound, now_ms=self.now_ms())
        await self.nonces.spend(session.session_id, nonce.counter, nonce.expires_at_ms)

    def _allowances(self, caller: Caller, route: Route) -> list[Allowance]:
        tenant, rates, of_route = caller.tenant, self.rates, route.rate
        # Named by what it allows: a limit that an operator changes holds at once, whatever was counted under the last.
        counted = f"r:{tenant}:{route.name}:{of_route.per_minute}:{of_route.burst}"
        return [
            Allowance("plugin", f"p:{tenant}:{caller.plugin}", rates.plugin_per_minute, rates.plugin_burst),
            Allowance("route", counted, of_route.per_minute, of_route.burst)]


def _decided(ask: ProxyAsk, route: Route, session: Session, observed: Observed | None) -> Decision:
    """`decide`, with the route's history before it and whoever counts behind it."""
    if observed is None:
        return decide(ask, route, session)
    try:
        decision = decide(ask, route, session, usual=observed.usual)
    except Barred as error:
        observed.tell(error.findings)
        raise
    observed.asked(ask.method, len(ask.body), decision.findings)
    return decision


def _asked(head: Incoming, plugin: str, body: bytes) -> ProxyAsk:
    return ProxyAsk(
        plugin=plugin, method=head.method, path=head.path, query=head.query, body=body, timeout_ms=head.timeout_ms,
        content_type=head.fields.get("content-type", ""), content_encoding=head.fields.get("content-encoding", ""),
        headers=head.fields.get("pysandbox-headers", ""))
