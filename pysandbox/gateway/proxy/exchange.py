"""A decided request's way to its upstream and back: slot, breaker, credentials, tries, fallback, masking.

Policy has judged the request and says in the `Plan` how its answer is to be treated; here is the order of things, and
nothing else. Whoever called is told through a `Reply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Final, Protocol

from pysandbox.core.breaker import Breaker, Resting
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy import token_request
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.credentials import Auth, CredentialReader, Credentials, Destination, inject
from pysandbox.gateway.proxy.fallback import Fallbacks, Kept, Scope
from pysandbox.gateway.proxy.forward import IDEMPOTENT, Answer, Outgoing, send
from pysandbox.gateway.proxy.guards import BreakerSettings, Guard, Guards
from pysandbox.gateway.proxy.limits import Limited, Slots
from pysandbox.gateway.proxy.redaction import Redactor, redact

Headers = Sequence[tuple[str, str]]
_AGAIN: Final = frozenset({502, 503, 504})  # what a second try may mend
_UNWELL: Final = (Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_FAILED)


@dataclass(frozen=True, slots=True)
class Plan:
    """One request, decided. ``timeout_ms`` is the whole budget; ``shortened`` says that the caller cut it below the
    route's. ``mask``: from content type, body and echoes to the body that may be shown; None where nothing has to be
    masked, so that it can be streamed. ``shown``: the headers of an answer that may be shown."""

    scope: Scope
    outgoing: Outgoing = field(repr=False)
    destination: Destination
    auth: Auth
    allow: tuple[str, ...]
    timeout_ms: int
    shortened: bool
    concurrency: int
    breaker: BreakerSettings
    cache_ttl_s: float | None
    identity: Sequence[bytes] = field(repr=False)
    version: bytes  # of the route: what was learnt of another one does not count
    controls: Mapping[str, str] = field(repr=False)
    mask: Callable[[str, bytes, Sequence[bytes]], bytes] | None = None
    shown: Callable[[int, Headers], Headers] = lambda _status, headers: headers


class Reply(Protocol):
    """Whoever called. ``outcome`` is ``upstream`` or ``cached``; ``begun``: something was sent."""

    @property
    def begun(self) -> bool: ...

    async def whole(self, outcome: str, status: int, headers: Headers, body: bytes) -> None: ...

    async def start(self, outcome: str, status: int, headers: Headers) -> None: ...

    async def piece(self, data: bytes, *, last: bool) -> None: ...


class Exchange:
    """``now_ms()``: milliseconds that never go back."""

    def __init__(
        self, *, clients: Clients, credentials: CredentialReader, guards: Guards, slots: Slots, fallbacks: Fallbacks,
        now_ms: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._credentials = credentials
        self._guards = guards
        self._slots = slots
        self._fallbacks = fallbacks
        self._now_ms = now_ms

    def resting(self, tenant: str) -> list[Resting]:
        """The tenant's routes that are not asked freely now."""
        return self._guards.resting(tenant, self._now_ms())

    async def run(self, plan: Plan, reply: Reply) -> None:
        """Answer ``reply``. Raises `SandboxError` for whatever went wrong before the answer began; after that the
        answer stays without an end, which tells its reader that it is not whole."""
        guard = self._guards.of(plan.scope.tenant, plan.scope.route, plan.breaker, plan.version)
        with self._slots.hold(f"{plan.scope.tenant}\0{plan.scope.route}", plan.concurrency):
            if not guard.breaker.allows(self._now_ms()):
                await self._instead(plan, reply, _resting(guard.breaker, self._now_ms()))
                return
            guard.budget.request()
            try:
                async with asyncio.timeout(plan.timeout_ms / 1000):
                    await self._try(plan, reply, guard)
            except TimeoutError:
                await self._failed(plan, reply, guard, SandboxError(Code.UPSTREAM_TIMEOUT))
            except SandboxError as error:
                await self._failed(plan, reply, guard, error)
            except asyncio.CancelledError:  # the caller has gone, or this server ends: it says nothing of the upstream
                guard.breaker.withdrawn(self._now_ms())
                raise

    async def _try(self, plan: Plan, reply: Reply, guard: Guard) -> None:
        credentials, answer = await self._answer(plan, guard)
        try:
            if answer.status >= 500:
                guard.breaker.failed(self._now_ms())
            else:
                guard.breaker.succeeded(self._now_ms())
            if plan.mask is None and plan.cache_ttl_s is None:
                await _stream(plan, reply, answer, credentials.echoes)
                return
            kept = await _finished(plan, answer, credentials.echoes)
            if kept.status >= 500 and await self._cached(plan, reply):
                return
            if plan.cache_ttl_s is not None:
                headers = {name.lower(): value for name, value in answer.headers}
                self._fallbacks.told(
                    plan.scope, plan.identity, kept, ttl_s=plan.cache_ttl_s, controls=(plan.controls, headers))
            await reply.whole("upstream", kept.status, kept.headers, kept.body)
        finally:
            answer.close()

    async def _answer(self, plan: Plan, guard: Guard) -> tuple[Credentials, Answer]:
        """The answer that counts: the first, or the second where a second try is allowed and of use."""
        may_repeat = plan.outgoing.method in IDEMPOTENT
        credentials = await self._read(plan)
        try:
            answer = await self._ask(plan, credentials)
        except SandboxError as error:
            if error.code != Code.UPSTREAM_FAILED or not may_repeat or not guard.budget.take():
                raise
            return credentials, await self._ask(plan, credentials)
        fresh = answer.status == 401 and self._credentials.refused(plan.auth, plan.destination, credentials)
        if may_repeat and (fresh or (answer.status in _AGAIN and guard.budget.take())):
            answer.close()
            credentials = await self._read(plan)
            answer = await self._ask(plan, credentials)
        return credentials, answer

    async def _ask(self, plan: Plan, credentials: Credentials) -> Answer:
        client = self._clients.get(plan.allow, credentials.certificate, _certificate_name(plan.auth))
        return await send(client, inject(plan.outgoing, credentials))

    async def _read(self, plan: Plan) -> Credentials:
        post = partial(token_request.post, self._clients, plan.allow)
        return await self._credentials.read(plan.auth, plan.destination, post)

    async def _failed(self, plan: Plan, reply: Reply, guard: Guard, error: SandboxError) -> None:
        """A try came to nothing. A plugin that gives its calls no time must not open the route's breaker for all."""
        if error.code == Code.UPSTREAM_REFUSED:
            guard.breaker.succeeded(self._now_ms())  # it is alive
        elif error.code in _UNWELL and not (error.code == Code.UPSTREAM_TIMEOUT and plan.shortened):
            guard.breaker.failed(self._now_ms())
        if reply.begun:
            return
        if error.code not in _UNWELL:
            raise error
        await self._instead(plan, reply, error)

    async def _instead(self, plan: Plan, reply: Reply, error: SandboxError) -> None:
        if not await self._cached(plan, reply):
            raise error

    async def _cached(self, plan: Plan, reply: Reply) -> bool:
        """Whether an earlier answer could stand in."""
        kept = None if plan.cache_ttl_s is None else self._fallbacks.get(plan.scope, plan.identity)
        if kept is None:
            return False
        await reply.whole("cached", kept.status, kept.headers, kept.body)
        return True


async def _finished(plan: Plan, answer: Answer, echoes: Sequence[bytes]) -> Kept:
    body = await answer.read()
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    shown = _shown(plan, answer, echoes)
    if plan.mask is None:
        redactor = Redactor(echoes)
        return Kept(answer.status, tuple(shown), redactor.feed(body) + redactor.end())
    return Kept(answer.status, tuple(shown), plan.mask(kind, body, echoes) if body else b"")


def _shown(plan: Plan, answer: Answer, echoes: Sequence[bytes]) -> Headers:
    """The headers that may be shown, a credential in their values redacted as in the body."""
    shown = plan.shown(answer.status, answer.headers)
    together = "\n".join([value for _, value in shown]).encode(errors="surrogateescape")
    if redact(together, echoes) is together:
        return shown
    return [
        (name, redact(value.encode(errors="surrogateescape"), echoes).decode(errors="surrogateescape"))
        for name, value in shown]


async def _stream(plan: Plan, reply: Reply, answer: Answer, echoes: Sequence[bytes]) -> None:
    redactor = Redactor(echoes)
    await reply.start("upstream", answer.status, _shown(plan, answer, echoes))
    async for chunk in answer.chunks():
        await reply.piece(redactor.feed(chunk), last=False)
    await reply.piece(redactor.end(), last=True)


def _certificate_name(auth: Auth) -> str:
    return str(auth.certificate_ref or auth.secret_ref)


def _resting(breaker: Breaker, now_ms: float) -> SandboxError:
    until_ms = breaker.retry_at_ms
    wait_s = 1 if until_ms is None else max(1, ceil((until_ms - now_ms) / 1000))
    return Limited("", {"Retry-After": str(wait_s)}, Code.UPSTREAM_UNAVAILABLE)
