"""Telemetry over HTTP: sessions send records, operators read figures and records, and erase people.

Errors travel as `SandboxError` to `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.telemetry.record import KINDS, REQUEST
from pysandbox.gateway import audit, headers
from pysandbox.gateway.auth.principal import (
    ERASE_TELEMETRY,
    READ_OWN_LOG,
    READ_TELEMETRY,
    Authenticator,
    GatewaySession,
    SessionStore,
)
from pysandbox.gateway.proxy.limits import Allowance, Limits
from pysandbox.gateway.reading import bearer, read_object
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry import figures
from pysandbox.gateway.telemetry.alerting import AlertBook
from pysandbox.gateway.telemetry.author_log import AuthorLog
from pysandbox.gateway.telemetry.intake import MAX_BODY_BYTES, Sender, read_batch
from pysandbox.gateway.telemetry.keys import TelemetryKeys
from pysandbox.gateway.telemetry.packing import GROUPS
from pysandbox.gateway.telemetry.requests import RequestLog
from pysandbox.gateway.telemetry.store import RAW_MS, TelemetryStore
from pysandbox.gateway.telemetry.words import PluginWords

_BATCHES_A_MINUTE: Final = 240
_BATCHES_AT_ONCE: Final = 60
_FILTERS: Final = {"pluginId": "plugin_id", "status": "status", "correlationId": "correlation_id", "kind": "kind"}
_MAX_RECORDS: Final = 500


@dataclass(frozen=True, slots=True)
class TelemetryRoutes:
    """``now_ms()``: epoch milliseconds."""

    tokens: Authenticator
    sessions: SessionStore
    database: Database
    store: TelemetryStore
    keys: TelemetryKeys
    words: PluginWords
    alerts: AlertBook
    limits: Limits
    requests: RequestLog
    now_ms: Callable[[], int]

    def routes(self) -> list[Route]:
        return [
            Route("/api/v2/telemetry", self.take, methods=["POST"]),
            Route("/api/v2/telemetry/health", self.health),
            Route("/api/v2/telemetry/series", self.series),
            Route("/api/v2/telemetry/records", self.records),
            Route("/api/v2/telemetry/alerts", self.firing),
            Route("/api/v2/plugins/{plugin_id}/versions/{version}/log", self.own_log),
            Route("/api/v2/telemetry/subjects", self.erase, methods=["DELETE"]),
        ]

    async def take(self, request: Request) -> Response:
        """A batch from a browser: answered once it is committed."""
        session = await self.sessions.find(bearer(request))
        await self.limits.take([Allowance(
            "telemetry", f"telemetry:{session.session_id}", _BATCHES_A_MINUTE, _BATCHES_AT_ONCE)])
        return _json({"kept": await self._keep(session, await read_object(request, max_bytes=MAX_BODY_BYTES))})

    def key(self, session: GatewaySession) -> str:
        """What its browser hashes with, as hex."""
        return self.keys.of_session(session.tenant, session.session_id).hex()

    async def keep_last(self, session: GatewaySession, told: object) -> None:
        """The batch that a page leaves behind. Raises `SandboxError` for what is none."""
        await self._keep(session, cast("dict[str, object]", told) if isinstance(told, dict) else {})

    async def _keep(self, session: GatewaySession, body: Mapping[str, object]) -> int:
        known = await self.words.of(session.tenant, _named(body))
        sender = Sender(session.tenant, session.subject, lambda plugin, version: known.get((plugin, version)))
        now_ms = self.now_ms()
        rows, gap = read_batch(body, sender, self.keys, now_ms)
        return await self.store.keep(session.tenant, rows, gap, now_ms)

    async def health(self, request: Request) -> Response:
        tenant, query = await self._asked(request, "by", "minutes")
        by = query.get("by", "plugin")
        if by not in GROUPS:
            raise _unusable("by", f"is one of {', '.join(GROUPS)}")
        window_s = _whole(query, "minutes", 60, 1, figures.MOST_MINUTES) * 60
        groups = await figures.health(self.store, tenant, by, window_s, self.now_ms() // 1000)
        return _json({"by": by, "minutes": window_s // 60, "groups": groups})

    async def series(self, request: Request) -> Response:
        tenant, query = await self._asked(request, "minutes", *GROUPS)
        window_s = _whole(query, "minutes", 60, 1, figures.MOST_MINUTES) * 60
        where = {name: query[name] for name in GROUPS if name in query}
        points = await figures.series(self.store, tenant, window_s, self.now_ms() // 1000, where)
        return _json({"minutes": window_s // 60, "stepS": figures.step_for(window_s), "points": points})

    async def records(self, request: Request) -> Response:
        """The newest, or what came after ``after``: asked again and again, a live view."""
        tenant, query = await self._asked(request, "after", "limit", *_FILTERS)
        if query.get("kind", REQUEST) not in {*KINDS, REQUEST}:
            raise _unusable("kind", f"is one of {', '.join([*KINDS, REQUEST])}")
        most = {column: query[name] for name, column in _FILTERS.items() if name in query}
        after = _whole(query, "after", 0, 0, 1 << 53) if "after" in query else None
        found = await self.store.newest(
            tenant, after=after, limit=_whole(query, "limit", 100, 1, _MAX_RECORDS),
            most=most)
        return _json({"records": found})

    async def firing(self, request: Request) -> Response:
        tenant, _ = await self._asked(request)
        since_s = (self.now_ms() - RAW_MS) // 1000
        return _json({"alerts": await self.alerts.firing(tenant), "ended": await self.alerts.ended(tenant, since_s)})

    async def own_log(self, request: Request) -> Response:
        """What the plugin of the author who asks has logged."""
        principal = await self.tokens.principal(request)
        principal.require(READ_OWN_LOG)
        query = _only(request, "after", "limit")
        return _json(await AuthorLog(self.database).read(
            principal, request.path_params["plugin_id"], request.path_params["version"],
            _whole(query, "after", 0, 0, 1 << 53), _whole(query, "limit", 100, 1, _MAX_RECORDS)))

    async def erase(self, request: Request) -> Response:
        """Everything about one user, named as tokens name them."""
        principal = await self.tokens.principal(request)
        principal.require(ERASE_TELEMETRY)
        query = _only(request, "subject")
        if not query.get("subject"):
            raise _unusable("subject", "names the user whose records are to be erased")
        now_ms = self.now_ms()
        names = self.keys.subjects(principal.tenant, query["subject"], now_ms, 2 * RAW_MS)
        gone = await self.store.erase(principal.tenant, names)
        async with self.database.begin() as connection:
            await audit.record(connection, principal, "telemetry.erase", names[-1], now_ms, {"records": gone})
        return _json({"erased": gone})

    async def _asked(self, request: Request, *names: str) -> tuple[str, Mapping[str, str]]:
        principal = await self.tokens.principal(request)
        principal.require(READ_TELEMETRY)
        return principal.tenant, _only(request, *names)


def _named(body: Mapping[str, object]) -> list[tuple[str, str]]:
    """The plugins and versions that a batch names, whatever else is in it."""
    records = body.get("records")
    found: list[tuple[str, str]] = []
    for told in cast("list[Any]", records)[:100] if isinstance(records, list) else []:
        members = cast("dict[str, object]", told) if isinstance(told, dict) else {}
        plugin, version = members.get("pluginId"), members.get("version")
        if isinstance(plugin, str) and isinstance(version, str) and len(plugin) <= 200 and len(version) <= 128:
            found.append((plugin, version))
    return found


def _only(request: Request, *names: str) -> Mapping[str, str]:
    given = request.query_params
    strange = sorted(given.keys() - set(names))
    if strange or len(given.multi_items()) != len(given):
        known = ", ".join(names) or "nothing"
        raise _unusable(strange[0][:64] if strange else "?", f"send each of {known} once at most")
    return given


def _whole(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise _unusable(name, f"is a whole number from {least} to {most}")


def _unusable(name: str, rule: str) -> SandboxError:
    return SandboxError(Code.INPUT_INVALID, "the query is not usable", details=[
        Problem(name, rule, "see docs/telemetry.md")])


def _json(value: object) -> Response:
    return JSONResponse(value, headers=headers.api())
