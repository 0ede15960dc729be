"""A clock that only a test moves, with the timers that hang on it.

Must not know: real time. Nothing here waits.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class ManualTimer:
    """A timer of a `ManualClock`."""

    __slots__ = ("cancelled", "fn")

    def __init__(self, fn: Callable[[], Any]) -> None:
        self.fn = fn
        self.cancelled = False

    def cancel(self) -> None:
        """Never call the function again."""
        self.cancelled = True


class ManualClock:
    """Time in milliseconds, from 0. It stands still until `advance`."""

    def __init__(self) -> None:
        self.now_ms: float = 0
        self._order = count()
        self._due: list[tuple[float, int, ManualTimer]] = []

    def schedule(self, fn: Callable[[], Any], ms: float) -> ManualTimer:
        """Call ``fn()`` once, when `advance` passes ``ms`` from now."""
        timer = ManualTimer(fn)
        heapq.heappush(self._due, (self.now_ms + max(0, ms), next(self._order), timer))
        return timer

    def advance(self, ms: float) -> None:
        """Move on by ``ms``, calling what falls due on the way, in order, each at its own time.

        What a timer's function raises comes out here; the clock then stands at that timer's time.
        """
        if ms < 0:
            raise ValueError(f"time does not go back: {ms} ms")
        end = self.now_ms + ms
        while self._due and self._due[0][0] <= end:
            due, _, timer = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, due)
            if not timer.cancelled:
                timer.fn()
        self.now_ms = max(self.now_ms, end)
