"""``ctx.cache``: a bounded cache of JSON values and bytes that the plugin owns between invocations.

Must not know: contexts, the host. Values are kept as JSON text: the bytes counted are the bytes held, and what a
handler does to a value it got or gave changes nothing in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysandbox.core import strict_json
from pysandbox.core.cache import BoundedCache
from pysandbox.core.limits import default as default_limit


class PluginCache:
    """Implements `pysandbox.plugin.context.Cache`. ``clock()`` gives seconds that never go back."""

    def __init__(
        self, clock: Callable[[], float], *, max_entries: int = default_limit("cacheEntries"),
        max_bytes: int = default_limit("cacheBytes"),
    ) -> None:
        self._max_chars = max_bytes
        self._held: BoundedCache[bytes | str] = BoundedCache(
            max_entries=max_entries, max_bytes=max_bytes, clock=clock, size_of=_size)

    def get(self, key: str, default: Any = None) -> Any:
        """A copy of the value, or ``default``."""
        held = self._held.get(key)
        if held is None:
            return default
        return held if isinstance(held, bytes) else strict_json.loads(held, max_chars=self._max_chars)

    def set(self, key: str, value: Any, *, ttl_s: float, sliding: bool = False) -> None:
        """Keep ``value`` for ``ttl_s`` seconds; see the protocol for what is raised."""
        if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - plugins need not be typed
            raise TypeError(f"a cache key is a str, not {type(key).__name__}")
        self._held.delete(key)  # before anything can fail: never serve what its owner has tried to replace
        if isinstance(value, (bytes, bytearray, memoryview)):
            held: bytes | str = bytes(value)  # pyright: ignore[reportUnknownArgumentType] - memoryview of anything
        else:
            held = strict_json.dumps(value, max_chars=self._max_chars)
        self._held.set(key, held, ttl_s=ttl_s, sliding=sliding)

    def delete(self, key: str) -> bool:
        """Forget ``key``; whether it was there."""
        return self._held.delete(key)

    def clear(self) -> None:
        """Forget everything: on unload, and when memory runs short."""
        self._held.clear()

    def drop_expired(self) -> int:
        """Forget what has expired; how many entries that were."""
        return self._held.drop_expired()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bytes_used(self) -> int:
        return self._held.bytes_used


def _size(held: bytes | str) -> int:
    return len(held) if isinstance(held, bytes) or held.isascii() else len(held.encode())
