"""Who did what: one row for each change of a plugin, a grant, a publisher, a route or a secret, with the change.

Must not know: what the change was about. A detail names things; it never holds a secret, a body or a customer's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import audit

MAX_ENTRIES: Final = 500
_DEFAULT_ENTRIES: Final = 100
_MAX_TARGET_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries: of one target or actor, from a time on (epoch milliseconds), the newest ``limit`` of them."""

    target: str = ""
    actor: str = ""
    since_ms: int = 0
    limit: int = _DEFAULT_ENTRIES


async def record(
    connection: AsyncConnection, principal: Principal, action: str, target: str, now_ms: int,
    detail: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Write down what ``principal`` did to ``target``, if the transaction of ``connection`` holds."""
    await connection.execute(audit.insert().values(
        tenant=principal.tenant, at_ms=now_ms, actor=principal.subject, action=action,
        target=target[:_MAX_TARGET_CHARS], detail=json.dumps(detail or {}, sort_keys=True)))


async def entries(database: Database, principal: Principal, query: Query) -> list[dict[str, object]]:
    """The tenant's own, newest first."""
    chosen = sa.select(audit).where(audit.c.tenant == principal.tenant, audit.c.at_ms >= query.since_ms)
    if query.target:
        chosen = chosen.where(audit.c.target == query.target)
    if query.actor:
        chosen = chosen.where(audit.c.actor == query.actor)
    async with database.begin() as connection:
        rows = await connection.execute(chosen.order_by(audit.c.id.desc()).limit(query.limit))
        return [
            {"at": row.at_ms, "actor": row.actor, "action": row.action, "target": row.target,
             "detail": json.loads(row.detail)}
            for row in rows]


def parse_query(given: Mapping[str, str]) -> Query:
    """From a URL's query. Raises `SandboxError` ``INPUT_INVALID`` with every problem."""
    problems = [
        Problem(name, "is no parameter of this address", "send target, actor, since, limit, or none")
        for name in sorted(given.keys() - {"target", "actor", "since", "limit"})]
    since_ms = _whole(given, "since", 0, 1 << 53, 0, problems)
    limit = _whole(given, "limit", 1, MAX_ENTRIES, _DEFAULT_ENTRIES, problems)
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the query is not usable", details=problems)
    return Query(given.get("target", ""), given.get("actor", ""), since_ms, limit)


def _whole(given: Mapping[str, str], name: str, least: int, most: int, default: int, problems: list[Problem]) -> int:
    text = given.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    problems.append(Problem(name, f"{text[:40]!r} is no whole number from {least} to {most}", "send one, or none"))
    return default
