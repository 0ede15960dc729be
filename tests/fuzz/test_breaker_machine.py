"""The breaker under any order of questions, ends and waits, against a plain account of what it may do."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pysandbox.core.breaker import Breaker

BASE_MS, MAX_MS, PROBE_MS = 100.0, 750.0, 60.0


class BreakerMachine(RuleBasedStateMachine):
    """``asleep_ms`` is this account's own idea of how long the present rest may be; ``opened_ms`` when it began."""

    @initialize(failures=st.integers(1, 4), probes=st.integers(1, 3))
    def start(self, failures: int, probes: int) -> None:
        self.now = 0.0
        self.failures, self.probes = failures, probes
        self.jitters = [0.0]
        self.breaker = Breaker(
            failures=failures, base_ms=BASE_MS, max_ms=MAX_MS, jitter=lambda: self.jitters[-1], probes=probes,
            probe_ms=PROBE_MS)
        self.in_a_row = 0  # failures since the last success or opening, while closed
        self.openings = 0  # since the last success
        self.opened_ms: float | None = None
        self.out: list[float] = []  # when each probe went out

    def catch_up(self) -> None:
        """Probes that ran out since the last step."""
        while self.out and self.now >= self.out[0] + PROBE_MS:
            self.opens(self.out[0] + PROBE_MS)

    def opens(self, at: float) -> None:
        self.opened_ms, self.in_a_row, self.out = at, 0, []
        self.openings += 1

    @property
    def rest(self) -> float:
        return min(MAX_MS, BASE_MS * 2 ** (self.openings - 1)) * (1 - self.jitters[-1] / 2)

    @property
    def resting(self) -> bool:
        return self.opened_ms is not None and self.now < self.opened_ms + self.rest

    @rule(jitter=st.sampled_from([0.0, 0.25, 1.0]))
    def weather(self, jitter: float) -> None:
        """Jitter for the openings from here on; while one is under way its own counts."""
        self.catch_up()
        if self.opened_ms is None:
            self.jitters.append(jitter)

    @rule(ms=st.sampled_from([0.0, 1.0, 25.0, 59.0, 60.0, 100.0, 500.0, 5000.0]))
    def wait(self, ms: float) -> None:
        self.now += ms
        self.catch_up()

    @rule()
    def ask(self) -> None:
        self.catch_up()
        allowed = self.breaker.allows(self.now)
        if self.opened_ms is None:
            assert allowed
        else:
            assert allowed == (not self.resting and len(self.out) < self.probes)
            if allowed:
                self.out.append(self.now)

    @rule()
    def succeed(self) -> None:
        self.catch_up()
        self.breaker.succeeded(self.now)
        if self.opened_ms is None or self.out:
            self.opened_ms, self.in_a_row, self.openings, self.out = None, 0, 0, []

    @rule()
    def fail(self) -> None:
        self.catch_up()
        self.breaker.failed(self.now)
        if self.out:
            self.opens(self.now)
        elif self.opened_ms is None:
            self.in_a_row += 1
            if self.in_a_row == self.failures:
                self.opens(self.now)

    @invariant()
    def says_what_it_does(self) -> None:
        expected = "closed" if self.opened_ms is None else "open" if self.resting else "half-open"
        assert self.breaker.state(self.now) == expected
        retry_at = self.breaker.retry_at_ms
        assert retry_at == (self.opened_ms + self.rest if self.opened_ms is not None and self.resting else None)
        assert len(self.out) <= self.probes


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
