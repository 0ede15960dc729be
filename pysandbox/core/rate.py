"""A token bucket, for what may be done so often in a second.

Must not know: clocks; the time is passed in.
"""

from __future__ import annotations


class Rate:
    """``per_second`` on average, as much at once (RFC 2697's committed burst of one second)."""

    def __init__(self, per_second: int, now_ms: float) -> None:
        self._per_ms = per_second / 1000
        self._most = float(per_second)
        self._left = self._most
        self._at_ms = now_ms

    def take(self, amount: int, now_ms: float) -> bool:
        """Whether ``amount`` more may pass now."""
        self._left = min(self._most, self._left + (now_ms - self._at_ms) * self._per_ms)
        self._at_ms = now_ms
        if amount > self._left:
            return False
        self._left -= amount
        return True
