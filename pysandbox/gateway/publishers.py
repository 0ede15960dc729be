"""Whose signatures a tenant knows. Removing a publisher leaves what it signed as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.audit import record
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.signatures import check_publisher
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import publishers as table


class Publishers:
    """``now_ms()``: epoch milliseconds."""

    def __init__(self, database: Database, *, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    async def add(self, principal: Principal, body: Mapping[str, object]) -> dict[str, object]:
        """Register ``{"name", "publicKey"}``. A key is never replaced: remove the publisher first.

        Raises `SandboxError` ``INPUT_INVALID`` with every problem.
        """
        if unknown := sorted(body.keys() - {"name", "publicKey"}):
            raise SandboxError(Code.INPUT_INVALID, "the body is no publisher", details=[
                Problem(f"$.{name[:80]}", "is no key of this body", "send name and publicKey") for name in unknown])
        name, key = check_publisher(body.get("name"), body.get("publicKey"))
        try:
            async with self._database.begin() as connection:
                await connection.execute(table.insert().values(
                    tenant=principal.tenant, name=name, public_key=key, created_at_ms=self._now_ms()))
                await record(connection, principal, "publisher.add", name, self._now_ms(), {"publicKey": key})
        except sa_exc.IntegrityError as error:
            raise SandboxError(Code.INPUT_INVALID, "this publisher is registered already", details=[
                Problem("$.name", "is taken", "remove the publisher first, or take another name")]) from error
        return {"name": name, "publicKey": key}

    async def list(self, tenant: str) -> list[dict[str, object]]:
        """By name."""
        async with self._database.begin() as connection:
            rows = await connection.execute(sa.select(table).where(table.c.tenant == tenant).order_by(table.c.name))
            return [{"name": row.name, "publicKey": row.public_key} for row in rows]

    async def remove(self, principal: Principal, name: str) -> None:
        """Raises `SandboxError` ``NOT_FOUND``."""
        async with self._database.begin() as connection:
            gone = await connection.execute(
                sa.delete(table).where(table.c.tenant == principal.tenant, table.c.name == name))
            if gone.rowcount == 0:
                raise SandboxError(Code.NOT_FOUND, "no publisher of this name is registered")
            await record(connection, principal, "publisher.remove", name, self._now_ms())
