"""The plugins of flows on the server: the version that a run was pinned to, as long as it is enabled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import sqlalchemy as sa

from pysandbox.core.cache import BoundedCache
from pysandbox.gateway.plugins import precedence
from pysandbox.gateway.registry import ENABLED, Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import plugins
from pysandbox.invoker.port import Runnable

FRESH_S: Final = 2.0
"""How old what a replica knows of a plugin may be: a block holds after that."""
_MAX_KNOWN: Final = 200
_MAX_BYTES: Final = 64 * 1024 * 1024


class FlowPlugins:
    """``clock()``: seconds that never go back."""

    def __init__(self, database: Database, registry: Registry, clock: Callable[[], float]) -> None:
        self._database = database
        self._registry = registry
        self._lock = asyncio.Lock()
        self._pins: BoundedCache[dict[str, str]] = BoundedCache(
            max_entries=_MAX_KNOWN, max_bytes=1 << 20, clock=clock, size_of=lambda _pins: 0)
        self._known: BoundedCache[Runnable] = BoundedCache(
            max_entries=_MAX_KNOWN, max_bytes=_MAX_BYTES, clock=clock, size_of=lambda known: len(known.bundle))

    async def pins(self, tenant: str, plugin_ids: Collection[str]) -> dict[str, str]:
        """The highest enabled version of each that is named without one, as ``id@version``."""
        unpinned = sorted({plugin_id for plugin_id in plugin_ids if "@" not in plugin_id})
        key = "\n".join([tenant, *unpinned])
        known = self._pins.get(key)
        if known is None:
            async with self._lock:  # a thousand runs that begin at once read it once
                known = self._pins.get(key)
                if known is None:
                    known = await self._read_pins(tenant, unpinned)
                    self._pins.set(key, known, ttl_s=FRESH_S)
        return known

    async def _read_pins(self, tenant: str, unpinned: Collection[str]) -> dict[str, str]:
        async with self._database.begin() as connection:
            rows = (await connection.execute(sa.select(plugins.c.plugin_id, plugins.c.version).where(
                plugins.c.tenant == tenant, plugins.c.state == ENABLED, plugins.c.plugin_id.in_(unpinned)))).all()
        lowest_first = sorted(rows, key=lambda row: precedence(row.version))
        return {row.plugin_id: f"{row.plugin_id}@{row.version}" for row in lowest_first}

    async def find(self, tenant: str, plugin: str) -> Runnable:
        """``plugin``: ``id@version``. Raises `SandboxError` ``PLUGIN_NOT_FOUND``, ``PLUGIN_BLOCKED``."""
        key = f"{tenant}\n{plugin}"
        known = self._known.get(key)
        if known is None:
            async with self._lock:  # a thousand runs that ask at once read it once
                known = self._known.get(key)
                if known is None:
                    plugin_id, _, version = plugin.partition("@")
                    found = await self._registry.published(tenant, plugin_id, version)
                    built = found.built
                    known = Runnable(tenant, built.manifest, built.bundle, built.sha256, found.grants)
                    self._known.set(key, known, ttl_s=FRESH_S)
        return known
