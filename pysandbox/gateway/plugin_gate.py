"""Which plugins may call the proxy: enabled versions, to which an administrator granted it. Asked for each request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.fresh import Fresh
from pysandbox.gateway.proxy.policy import PERMISSION
from pysandbox.gateway.registry import BLOCKED, ENABLED
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import grants, plugins

FRESH_S: Final = 2.0
"""How old what a replica knows of a plugin may be: a block that another one was told holds after that."""
_MAX_KNOWN: Final = 10_000
_SAME: Final = ("tenant", "plugin_id", "version", "identity")


class PluginCalls:
    """A `PluginGate`. ``clock()``: seconds that never go back."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._known = Fresh(self._read, fresh_s=FRESH_S, max_entries=_MAX_KNOWN, clock=clock)

    async def require_enabled(self, tenant: str, plugin: str) -> None:
        """Raises `SandboxError`: ``PLUGIN_BLOCKED``, ``PLUGIN_NOT_FOUND``, ``PERMISSION_DENIED`` without the grant."""
        state, granted = await self._known.get(f"{tenant}\n{plugin}")
        if state == BLOCKED:
            raise SandboxError(Code.PLUGIN_BLOCKED)
        if state != ENABLED:
            raise SandboxError(Code.PLUGIN_NOT_FOUND, "the calling plugin is not enabled here")
        if not granted:
            raise SandboxError(Code.PERMISSION_DENIED, f"{PERMISSION} was not granted to this version of the plugin")

    def changed(self, tenant: str, plugin: str) -> None:
        """State or grant of an ``id@version`` was changed here: it holds from the next request on."""
        self._known.forget(f"{tenant}\n{plugin}")

    async def _read(self, key: str) -> tuple[str, bool]:
        tenant, _, plugin = key.rpartition("\n")
        plugin_id, _, version = plugin.partition("@")
        agreed = sa.and_(*(plugins.c[name] == grants.c[name] for name in _SAME))
        found = sa.select(plugins.c.state, grants.c.permissions).select_from(plugins.outerjoin(grants, agreed)).where(
            plugins.c.tenant == tenant, plugins.c.plugin_id == plugin_id, plugins.c.version == version)
        async with self._database.begin() as connection:
            row = (await connection.execute(found)).first()
        return ("", False) if row is None else (row.state, PERMISSION in json.loads(row.permissions or "[]"))
