"""The words of each plugin's own log, read from its registered bundle once: versions never change, nor do they."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from pysandbox.core.bundle import MAX_BUNDLE_BYTES, read_bundle
from pysandbox.core.cache import BoundedCache
from pysandbox.core.errors import SandboxError
from pysandbox.core.telemetry.log_words import log_words
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import plugins

_MAX_KNOWN: Final = 1000
_KNOWN_S: Final = 3600.0
_WORD: Final = re.compile(r"[^\W\d_]{2,24}")  # of a file's name, which tracebacks show

Names = tuple[str, str]
"""A plugin's id and version."""


class PluginWords:
    """Of every version in the registry, whatever its state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: BoundedCache[frozenset[str]] = BoundedCache(
            max_entries=_MAX_KNOWN, max_bytes=_MAX_KNOWN, clock=time.monotonic, size_of=lambda _words: 0)

    async def of(self, tenant: str, names: Iterable[Names]) -> dict[Names, frozenset[str]]:
        """The words of those that are the tenant's; others are left out."""
        found: dict[Names, frozenset[str]] = {}
        for plugin_id, version in set(names):
            key = f"{tenant}\n{plugin_id}@{version}"
            words = self._known.get(key)
            if words is None:
                words = await self._read(tenant, plugin_id, version)
                if words is None:
                    continue
                self._known.set(key, words, ttl_s=_KNOWN_S)
            found[plugin_id, version] = words
        return found

    async def _read(self, tenant: str, plugin_id: str, version: str) -> frozenset[str] | None:
        async with self._database.begin() as connection:
            bundle = (await connection.execute(sa.select(plugins.c.bundle).where(
                plugins.c.tenant == tenant, plugins.c.plugin_id == plugin_id, plugins.c.version == version,
            ))).scalar_one_or_none()
        return None if bundle is None else await run_in_threadpool(words_of, bundle)


def words_of(bundle: bytes) -> frozenset[str]:
    """The words of a bundle's own Python files; none of one that cannot be read."""
    try:
        files = read_bundle(bundle, max_bytes=MAX_BUNDLE_BYTES)
    except SandboxError:
        return frozenset()
    own = {name: content.decode(errors="replace") for name, content in files.items() if name.endswith(".py")}
    return frozenset([*log_words(own.values()), *(word for name in own for word in _WORD.findall(name.lower()))])
