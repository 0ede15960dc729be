"""What a loaded plugin was told when it was taken up, and its cache.

Must not know: runs, messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pysandbox.core.limits import default
from pysandbox.plugin.cache import PluginCache


class LoadedSettings:
    """`Settings` of the plugin that was taken up."""

    def __init__(self, job: Mapping[str, Any], clock: Callable[[], float]) -> None:
        context = job["context"]
        self._limits: Mapping[str, int] = job["limits"]
        self.plugin_id: str = job["pluginId"]
        self.environment: str = context["environment"]
        self.queue: str = context["queue"]
        self.locale: str = context["locale"]
        self.permissions: tuple[str, ...] = tuple(job["permissions"])
        self.cache = PluginCache(
            clock, max_entries=self.limit("cacheEntries"), max_bytes=self.limit("cacheBytes"))
        self.message_chars = self.limit("messageChars")

    def limit(self, name: str) -> int:
        """A budget of the manifest, or its default."""
        return self._limits.get(name, default(name))
