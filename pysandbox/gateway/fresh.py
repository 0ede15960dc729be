"""What is read of the database again and again, and may be a little old: kept for a moment, and read once for all.

Must not know: what it is. What changes here is forgotten at once, also by a read that began before the change; other
replicas see it when their moment is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from pysandbox.core.cache import BoundedCache
from pysandbox.core.errors import SandboxError

V = TypeVar("V")
_KEY_BYTES: Final = 1024  # what a key takes, at the most


class Fresh(Generic[V]):
    """``read(key)`` reads one; none is older than ``fresh_s``, counted from when its read began.

    ``clock()``: seconds that never go back. At most ``max_entries`` are kept.
    """

    def __init__(
        self, read: Callable[[str], Awaitable[V]], *, fresh_s: float, max_entries: int, clock: Callable[[], float]
    ) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._clock = clock
        self._kept: BoundedCache[V] = BoundedCache(
            max_entries=max_entries, max_bytes=max_entries * _KEY_BYTES, clock=clock, size_of=lambda _value: 0)
        self._reading: dict[str, asyncio.Task[V]] = {}

    async def get(self, key: str) -> V:
        """Raises whatever the read that it had to wait for raised."""
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.get_running_loop().create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)  # who gives up ends the wait, not the read that others wait for

    def forget(self, key: str) -> None:
        """It was changed: the next `get` reads it again."""
        self._kept.delete(key)
        self._reading.pop(key, None)

    async def _fetch(self, key: str) -> V:
        began_s = self._clock()
        value = await self._read(key)
        left_s = began_s + self._fresh_s - self._clock()
        if left_s > 0 and self._reading.get(key) is asyncio.current_task():
            self._kept.set(key, value, ttl_s=left_s)
        return value

    def _done(self, key: str, task: asyncio.Task[V]) -> None:
        if self._reading.get(key) is task:
            del self._reading[key]
        # Asked for, so that asyncio does not report as lost what those who waited were told, or did not wait for.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, SandboxError):
            raise error
