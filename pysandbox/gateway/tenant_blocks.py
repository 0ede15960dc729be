"""Which versions of a tenant are blocked, told to open pages within seconds, whichever replica blocked them.

Pages wait in a long poll; while any of a tenant does, one look a second at the tenant's revision serves them all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from pysandbox.gateway.blocks import Changes
from pysandbox.gateway.registry import BLOCKED
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.revisions import revision
from pysandbox.gateway.store.tables import plugins

LOOK_S: Final = 1.0


@dataclass(slots=True)
class _Tenant:
    now: Changes | None = None
    waiting: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    seen_at: float = -1e9


class TenantBlocks:
    """For the event loop of one server."""

    def __init__(self, database: Database, *, look_s: float = LOOK_S) -> None:
        self._database = database
        self._look_s = look_s
        self._tenants: dict[str, _Tenant] = {}
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait to hear of a change."""
        return sum(tenant.waiting for tenant in self._tenants.values())

    async def since(self, tenant: str, known: int, within_s: float) -> Changes:
        """What is blocked: at once if it was otherwise at revision ``known``, else when it changes, or at the end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        entry = self._tenants.setdefault(tenant, _Tenant())
        entry.waiting += 1
        try:
            while True:
                now = await self._look(tenant, entry)
                left_s = until - loop.time()
                if now.revision != known or left_s <= 0 or self._closed:
                    return now
                await asyncio.sleep(min(self._look_s, left_s))
        finally:
            entry.waiting -= 1
            if entry.waiting == 0:
                self._tenants.pop(tenant, None)

    def close(self) -> None:
        """Answer everybody who waits with the next look, and from now on at once. From any thread."""
        self._closed = True

    async def _look(self, tenant: str, entry: _Tenant) -> Changes:
        loop = asyncio.get_running_loop()
        async with entry.lock:
            if entry.now is None or loop.time() - entry.seen_at >= self._look_s / 2:
                entry.now = await self._read(tenant, entry.now)
                entry.seen_at = loop.time()
            return entry.now

    async def _read(self, tenant: str, before: Changes | None) -> Changes:
        async with self._database.begin() as connection:
            number = await revision(connection, tenant)
            if before is not None and before.revision == number:
                return before
            rows = await connection.execute(sa.select(plugins.c.plugin_id, plugins.c.version).where(
                plugins.c.tenant == tenant, plugins.c.state == BLOCKED))
            return Changes(number, tuple(sorted(f"{row.plugin_id}@{row.version}" for row in rows)))
