"""What keeps a failing upstream from being asked: a breaker for each route, and a budget for second tries.

Must not know: clocks and randomness; both are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pysandbox.core.breaker import Breaker, Resting, resting

_SHARE: Final = 0.2  # of the requests may be second tries: more would turn a weak upstream into a dead one
_MOST_SAVED: Final = 10.0


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """A route's: see `core.breaker.Breaker`."""

    failures: int
    base_ms: float
    max_ms: float
    probes: int
    probe_ms: float


class RetryBudget:
    """A fifth of a second try is saved with each request, ten at most."""

    def __init__(self) -> None:
        self._saved = 0.0

    def request(self) -> None:
        self._saved = min(_MOST_SAVED, self._saved + _SHARE)

    def take(self) -> bool:
        """Whether a second try is in the budget; it is spent."""
        if self._saved < 1 - 1e-9:
            return False
        self._saved -= 1
        return True


@dataclass(slots=True)
class Guard:
    """One route's state in this process."""

    version: bytes
    breaker: Breaker
    budget: RetryBudget


class Guards:
    """By tenant and route. ``jitter()``: from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._guards: dict[tuple[str, str], Guard] = {}

    def of(self, tenant: str, route: str, settings: BreakerSettings, version: bytes) -> Guard:
        """The route's guard; a new one when the route was replaced: what failed was another upstream, or is mended."""
        guard = self._guards.get((tenant, route))
        if guard is None or guard.version != version:
            breaker = Breaker(
                failures=settings.failures, base_ms=settings.base_ms, max_ms=settings.max_ms, probes=settings.probes,
                probe_ms=settings.probe_ms, jitter=self._jitter)
            guard = self._guards[tenant, route] = Guard(version, breaker, RetryBudget())
        return guard

    def resting(self, tenant: str, now_ms: float) -> list[Resting]:
        """The tenant's routes whose breaker is not closed."""
        return resting(((route, guard.breaker) for (of, route), guard in self._guards.items() if of == tenant), now_ms)
