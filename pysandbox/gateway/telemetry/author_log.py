"""A plugin's own log for its author, once the operator has agreed to it: ``plugin:log:export``.

The author is who registered the version, or the publisher that signed it, as tokens name them. What comes is what the
operator sees, redacted where it arose and again here, without where, for whom and how long the plugin ran; and only
from when it was agreed to. Must not know: what a record says beyond that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.registry import REMOVED
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import grants, plugins
from pysandbox.gateway.store.tables import telemetry_records as records

PERMISSION: Final = "plugin:log:export"


@dataclass(frozen=True, slots=True)
class AuthorLog:
    """The tenant's versions."""

    database: Database

    async def read(
        self, principal: Principal, plugin_id: str, version: str, after: int, limit: int,
    ) -> dict[str, object]:  # fmt: skip
        """``{"lines", "last"}``: what is behind the seq ``after``, oldest first, and how far that went.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND`` for what is not the principal's, and ``PERMISSION_DENIED`` without
        the grant.
        """
        since_ms = await self._since(principal, plugin_id, version)
        told = sa.or_(records.c.kind == "log", sa.and_(
            records.c.kind == "invocation", records.c.status.not_in(["", "ok"])))
        async with self.database.begin() as connection:
            found = (await connection.execute(sa.select(records.c.seq, records.c.body).where(
                records.c.tenant == principal.tenant, records.c.plugin_id == plugin_id, records.c.seq > after,
                records.c.received_ms >= since_ms, told).order_by(records.c.seq).limit(limit))).all()
        lines = [_line(one) for one in (json.loads(row.body) for row in found) if one["version"] == version]
        return {"lines": lines, "last": found[-1].seq if found else after}

    async def _since(self, principal: Principal, plugin_id: str, version: str) -> int:
        """When it was agreed to, in epoch milliseconds."""
        same = [plugins.c[name] == grants.c[name] for name in ("tenant", "plugin_id", "version", "identity")]
        async with self.database.begin() as connection:
            row = (await connection.execute(sa.select(
                plugins.c.state, plugins.c.publisher, plugins.c.created_by, grants.c.permissions,
                grants.c.granted_at_ms,
            ).select_from(plugins.outerjoin(grants, sa.and_(*same))).where(
                plugins.c.tenant == principal.tenant, plugins.c.plugin_id == plugin_id,
                plugins.c.version == version))).one_or_none()
        if row is None or row.state == REMOVED or principal.subject not in {row.publisher, row.created_by}:
            raise SandboxError(Code.PLUGIN_NOT_FOUND, "no plugin of this id and exact version is yours")
        if PERMISSION not in json.loads(row.permissions or "[]"):
            raise SandboxError(Code.PERMISSION_DENIED, f"the operator has not agreed to {PERMISSION} for this version")
        return row.granted_at_ms


def _line(told: Mapping[str, Any]) -> dict[str, object]:
    """A log line as it is, or what an invocation that did not end well said of it."""
    common = {"at": told["timestamp"], "correlationId": told["correlationId"]}
    if told["log"] is not None:
        return {**common, **told["log"]}
    said = told["errorDetails"]
    return {
        **common, "level": "error", "message": said["message"] if said else "",
        "fields": {"handler": told["handler"], "status": told["status"], "code": told["code"]}}
