"""The sessions' routes: the exchange of a platform token, rotation, revocation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import MANAGE_SESSIONS, OPEN_SESSIONS, Authenticator, GatewaySession
from pysandbox.gateway.auth.sessions import GatewaySessions, Opened
from pysandbox.gateway.proxy.limits import Allowance, Limits
from pysandbox.gateway.reading import bearer, read_object

_MAX_BODY_BYTES: Final = 4096
_MAX_LAST_BYTES: Final = 64 * 1024  # a browser sends no more for a page that is gone
_OPENS_A_MINUTE: Final = 60
_OPENS_AT_ONCE: Final = 20


class Telling(Protocol):
    """What sessions tell of their plugins."""

    def key(self, session: GatewaySession) -> str:
        """What its browser hashes with, as hex."""
        ...

    async def keep_last(self, session: GatewaySession, told: object) -> None:
        """Records that a page leaves behind. Raises `SandboxError` for what is no batch of them."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRoutes:
    """``permissions(tenant)``: what the administrator granted to some enabled plugin of the tenant. ``telemetry``:
    None where browsers send no records."""

    tokens: Authenticator
    sessions: GatewaySessions
    permissions: Callable[[str], Awaitable[Iterable[str]]]
    limits: Limits
    gateway_origin: str
    telemetry: Telling | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/api/v2/sessions", self.collection, methods=["POST", "DELETE"]),
            Route("/api/v2/sessions/rotate", self.rotate, methods=["POST"]),
            Route("/api/v2/sessions/current", self.end, methods=["DELETE"]),
            Route("/api/v2/sessions/leave", self.leave, methods=["POST"]),
        ]

    async def collection(self, request: Request) -> Response:
        return await (self._open if request.method == "POST" else self._end_of_user)(request)

    async def _open(self, request: Request) -> Response:
        principal = await self.tokens.principal(request)
        principal.require(OPEN_SESSIONS)
        await _nothing_in(request)
        # Else a user with many sessions would have many times the allowance of one.
        await self.limits.take([Allowance(
            "user", f"open:{principal.tenant}:{principal.subject}", _OPENS_A_MINUTE, _OPENS_AT_ONCE)])
        opened = await self.sessions.open(principal, await self.permissions(principal.tenant))
        return self._opened(opened)

    async def rotate(self, request: Request) -> Response:
        token = bearer(request)
        await _nothing_in(request)
        return self._opened(await self.sessions.rotate(token))

    def _opened(self, opened: Opened) -> Response:
        told = opened.as_json(self.gateway_origin)
        if self.telemetry is not None:
            session = opened.session
            told["telemetryKey"] = self.telemetry.key(session)
        return _json(told)

    async def end(self, request: Request) -> Response:
        await self.sessions.revoke(bearer(request))
        return Response(status_code=204, headers=headers.api())

    async def leave(self, request: Request) -> Response:
        """`end` for a page that is going away: what it can still send has no headers, so the token is in the body."""
        said = await read_object(request, max_bytes=_MAX_LAST_BYTES)
        token, told = said.get("token"), said.get("telemetry")
        if not isinstance(token, str) or said.keys() - {"token", "telemetry"}:
            raise SandboxError(Code.INPUT_INVALID, "whose session is to end?", details=[Problem(
                "$.token", "the body names one session's token, and what that has to tell at last",
                'send {"token": "…"}')])
        session = await self.sessions.find(token)
        try:
            if told is not None and self.telemetry is not None:
                await self.telemetry.keep_last(session, told)
        finally:
            await self.sessions.revoke(token)
        return Response(status_code=204, headers=headers.api())

    async def _end_of_user(self, request: Request) -> Response:
        """Every session of the user that ``subject`` names, in the administrator's own tenant."""
        principal = await self.tokens.principal(request)
        principal.require(MANAGE_SESSIONS)
        subject = request.query_params.get("subject", "")
        if not subject or len(request.query_params.multi_items()) != 1:
            raise SandboxError(Code.INPUT_INVALID, "whose sessions are to end?", details=[Problem(
                "subject", "the query names exactly one user", "send ?subject= and the user as tokens name them")])
        return _json({"ended": await self.sessions.revoke_subject(principal.tenant, subject)})


async def _nothing_in(request: Request) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` for a body that says anything: nothing here reads it."""
    said = await read_object(request, max_bytes=_MAX_BODY_BYTES, empty=True)
    if said:
        raise SandboxError(Code.INPUT_INVALID, "nothing can be asked for here", details=[
            Problem(f"$.{name[:40]}", "is not known", "send no body, or {}") for name in list(said)[:20]])


def _json(value: object) -> Response:
    return JSONResponse(value, headers=headers.api())
