"""A circuit breaker: closed, open for a growing while, then half-open for a few probes.

Closed, it lets everything through and counts failures in a row; at ``failures`` it opens. Open, it lets nothing
through until the backoff ends: ``base_ms``, doubled with each opening up to ``max_ms``, of which a random half is
taken off so that many peers do not come back in one moment. Half-open, it lets ``probes`` through at a time; one that
succeeds closes it and resets the backoff, one that fails, or is not answered within ``probe_ms``, opens it again.

Must not know: clocks, randomness, what is behind it. Times are passed in and never go back; so is the jitter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

State = Literal["closed", "open", "half-open"]


class Resting(NamedTuple):
    """A breaker that is not closed. ``retry_in_ms``: until its backoff ends; 0 while it is half-open."""

    name: str
    state: State
    retry_in_ms: float


class Breaker:
    """``jitter()`` gives a number from 0 to 1: 0 waits the whole backoff, 1 half of it."""

    def __init__(
        self, *, failures: int, base_ms: float, max_ms: float, jitter: Callable[[], float], probes: int = 1,
        probe_ms: float,
    ) -> None:  # fmt: skip
        if failures < 1 or probes < 1 or not 0 < base_ms <= max_ms or probe_ms <= 0:
            raise ValueError("a breaker needs failures and probes of 1 or more, and 0 < base_ms <= max_ms")
        self._most_failures = failures
        self._base_ms = base_ms
        self._max_ms = max_ms
        self._jitter = jitter
        self._most_probes = probes
        self._probe_ms = probe_ms
        self._state: State = "closed"
        self._failures = 0
        self._backoff_ms = base_ms
        self._retry_at_ms = 0.0
        self._due: deque[float] = deque()  # when each probe that is out counts as failed; the oldest first

    @property
    def retry_at_ms(self) -> float | None:
        """When the backoff ends; None unless it is open."""
        return self._retry_at_ms if self._state == "open" else None

    def state(self, now_ms: float) -> State:
        """Where it stands at ``now_ms``."""
        while True:
            if self._state == "open" and now_ms >= self._retry_at_ms:
                self._state = "half-open"
            elif self._due and now_ms >= self._due[0]:
                # From the moment it was due, not from now: the answer must not depend on how often somebody looks.
                self._open(self._due[0])
            else:
                return self._state

    def allows(self, now_ms: float) -> bool:
        """Whether one more may go through. Half-open, a yes is a probe: its end must be told."""
        state = self.state(now_ms)
        if state == "half-open" and len(self._due) < self._most_probes:
            self._due.append(now_ms + self._probe_ms)
            return True
        return state == "closed"

    def succeeded(self, now_ms: float) -> None:
        """Something that was let through went well. Too late for its probe's deadline, it changes nothing."""
        state = self.state(now_ms)
        if state == "closed" or self._due:
            self._state, self._failures, self._backoff_ms = "closed", 0, self._base_ms
            self._due.clear()

    def failed(self, now_ms: float) -> None:
        """Something that was let through failed. While it is open this is old news."""
        state = self.state(now_ms)
        if state == "closed":
            self._failures += 1
        if self._due or (state == "closed" and self._failures >= self._most_failures):
            self._open(now_ms)

    def withdrawn(self, now_ms: float) -> None:
        """Something that was let through was given up before it could go well or fail. Its probe may be another's."""
        if self.state(now_ms) == "half-open" and self._due:
            self._due.pop()

    def _open(self, at_ms: float) -> None:
        self._state = "open"
        self._failures = 0
        self._due.clear()
        taken = min(1.0, max(0.0, self._jitter())) / 2
        self._retry_at_ms = at_ms + self._backoff_ms * (1 - taken)
        self._backoff_ms = min(self._max_ms, self._backoff_ms * 2)


def resting(breakers: Iterable[tuple[str, Breaker]], now_ms: float) -> list[Resting]:
    """Those of the named ``breakers`` that are not closed at ``now_ms``."""
    return [
        Resting(name, state, max(0.0, (breaker.retry_at_ms or now_ms) - now_ms))
        for name, breaker in breakers if (state := breaker.state(now_ms)) != "closed"]
