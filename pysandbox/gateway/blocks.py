"""Which plugin versions are blocked, and who waits to hear of it: what reaches open pages within seconds.

Must not know: HTTP, folders. Changes come from any thread; waiters live on the server's event loop.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """All versions that are blocked now (``id@version``), and the revision that says so."""

    revision: int
    blocked: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {"revision": self.revision, "blocked": list(self.blocked)}


@dataclass(eq=False, slots=True)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    told: asyncio.Event


class BlockedVersions:
    """A set with a revision. The first revision is 1, so whoever knows nothing yet asks for what is new since 0."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocked: set[str] = set()
        self._revision = 1
        self._waiters: set[_Waiter] = set()
        self._closed = False

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._blocked

    def set(self, key: str, *, blocked: bool) -> None:
        """Block or unblock ``id@version``. What changes nothing is no new revision."""
        with self._lock:
            if blocked == (key in self._blocked):
                return
            (self._blocked.add if blocked else self._blocked.discard)(key)
            self._revision += 1
            self._tell_all()

    @property
    def waiting(self) -> int:
        """How many wait to hear of a change."""
        with self._lock:
            return len(self._waiters)

    @property
    def closed(self) -> bool:
        with self._lock:
            return self._closed

    def now(self) -> Changes:
        with self._lock:
            return Changes(self._revision, tuple(sorted(self._blocked)))

    async def since(self, revision: int, within_s: float) -> Changes:
        """What is blocked: at once if that is not what it was at ``revision``, else when it changes, or the time is up.

        A revision of the future was another server's; it is answered at once too.
        """
        waiter = _Waiter(asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if revision == self._revision and not self._closed:
                self._waiters.add(waiter)
            else:
                waiter.told.set()
        time_up = waiter.loop.call_later(within_s, waiter.told.set)
        try:
            await waiter.told.wait()
        finally:
            time_up.cancel()
            with self._lock:
                self._waiters.discard(waiter)
        return self.now()

    def close(self) -> None:
        """Answer everybody who waits, now and from now on: a server that stops waits for nobody."""
        with self._lock:
            self._closed = True
            self._tell_all()

    def _tell_all(self) -> None:
        while self._waiters:
            waiter = self._waiters.pop()
            waiter.loop.call_soon_threadsafe(waiter.told.set)
