"""A cache that cannot grow: bounded in time, entries and bytes.

Must not know: what the values are (`size_of` says how large one is), nor the time of day (`clock` is passed in).

An entry ends when its time is up, or earlier when room is needed: expired ones go first, then the least recently used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar

V = TypeVar("V")


class _Entry(Generic[V]):
    __slots__ = ("expires_s", "size", "sliding_s", "value")

    def __init__(self, value: V, size: int, expires_s: float, sliding_s: float | None) -> None:
        self.value = value
        self.size = size
        self.expires_s = expires_s
        self.sliding_s = sliding_s


class BoundedCache(Generic[V]):
    """At most ``max_entries`` values of ``max_bytes`` together, keys included.

    ``clock()`` gives seconds that never go back; ``size_of(value)`` gives bytes.
    """

    def __init__(
        self, *, max_entries: int, max_bytes: int, clock: Callable[[], float], size_of: Callable[[V], int],
    ) -> None:
        if max_entries < 1 or max_bytes < 1:
            raise ValueError("a cache holds at least one entry of one byte")
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._size_of = size_of
        self._entries: OrderedDict[str, _Entry[V]] = OrderedDict()  # the least recently used first
        self._bytes = 0
        # No entry expires before this, so a full cache of long-lived entries is not searched at each set.
        self._none_expires_before_s = inf

    def __len__(self) -> int:
        """Entries held, expired ones that nobody has asked for yet included."""
        return len(self._entries)

    @property
    def bytes_used(self) -> int:
        return self._bytes

    def get(self, key: str) -> V | None:
        """The value of ``key`` if it is there and its time is not up; this is a use of it."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        if now >= entry.expires_s:
            self.delete(key)
            return None
        if entry.sliding_s is not None:
            entry.expires_s = now + entry.sliding_s
        self._entries.move_to_end(key)
        return entry.value

    def set(self, key: str, value: V, *, ttl_s: float, sliding: bool = False) -> None:
        """Keep ``value`` for ``ttl_s`` seconds from now, or with ``sliding`` from its last use.

        Raises ValueError unless ``ttl_s`` is a finite number above 0, and for a value larger than the whole cache. Then
        an older value of ``key`` is gone as well: serving it would be serving what its owner has replaced.
        """
        self.delete(key)
        if not 0 < ttl_s < inf:
            raise ValueError(f"ttl_s must be a finite number of seconds above 0, not {ttl_s!r}")
        size = self._size_of(value) + len(key.encode("utf-8", "surrogatepass"))
        if size > self._max_bytes:
            raise ValueError(f"the value for {key[:40]!r} takes {size} bytes; the whole cache holds {self._max_bytes}")
        now = self._clock()
        self._make_room(size, now)
        self._entries[key] = _Entry(value, size, now + ttl_s, ttl_s if sliding else None)
        self._bytes += size
        self._none_expires_before_s = min(self._none_expires_before_s, now + ttl_s)

    def delete(self, key: str) -> bool:
        """Forget ``key``; whether it was there."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= entry.size
        return True

    def clear(self) -> None:
        self._entries.clear()
        self._bytes = 0
        self._none_expires_before_s = inf

    def drop_expired(self) -> int:
        """Forget every entry whose time is up; how many they were."""
        now = self._clock()
        expired = [key for key, entry in self._entries.items() if now >= entry.expires_s]
        for key in expired:
            self.delete(key)
        self._none_expires_before_s = min((entry.expires_s for entry in self._entries.values()), default=inf)
        return len(expired)

    def _make_room(self, size: int, now: float) -> None:
        if self._fits(size):
            return
        if now >= self._none_expires_before_s:
            self.drop_expired()
        while not self._fits(size):
            self.delete(next(iter(self._entries)))

    def _fits(self, size: int) -> bool:
        return len(self._entries) < self._max_entries and self._bytes + size <= self._max_bytes
