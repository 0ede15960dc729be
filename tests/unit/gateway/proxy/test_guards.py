"""Breakers by route, half-open without a stampede (attack 76), and the budget of second tries."""

import pytest

from pysandbox.core.breaker import Breaker
from pysandbox.gateway.proxy.guards import BreakerSettings, Guards, RetryBudget

SETTINGS = BreakerSettings(failures=3, base_ms=1000, max_ms=8000, probes=2, probe_ms=500)


def test_routes_and_tenants_fail_apart() -> None:
    guards = Guards(lambda: 0.0)
    for _ in range(3):
        guards.of("acme", "Risk", SETTINGS, b"").breaker.failed(0)
    assert not guards.of("acme", "Risk", SETTINGS, b"").breaker.allows(1)
    assert guards.of("acme", "Other", SETTINGS, b"").breaker.allows(1)
    assert guards.of("other", "Risk", SETTINGS, b"").breaker.allows(1)


def test_a_route_that_was_replaced_begins_anew() -> None:
    guards = Guards(lambda: 0.0)
    for _ in range(3):
        guards.of("acme", "Risk", SETTINGS, b"first").breaker.failed(0)
    assert not guards.of("acme", "Risk", SETTINGS, b"first").breaker.allows(1)
    assert guards.of("acme", "Risk", SETTINGS, b"second").breaker.allows(1)


def test_what_rests_is_told_by_tenant_with_the_time_that_is_left() -> None:
    guards = Guards(lambda: 0.0)
    guards.of("acme", "Well", SETTINGS, b"")
    for tenant in ("acme", "other"):
        for _ in range(3):
            guards.of(tenant, "Risk", SETTINGS, b"").breaker.failed(0)
    assert guards.resting("acme", 250) == [("Risk", "open", 750)]
    assert guards.resting("acme", 1000) == [("Risk", "half-open", 0)]
    guards.of("acme", "Risk", SETTINGS, b"").breaker.allows(1000)
    guards.of("acme", "Risk", SETTINGS, b"").breaker.succeeded(1001)
    assert guards.resting("acme", 1001) == []


def test_attack_76_of_a_hundred_that_wait_two_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def through() -> int:
        breaker = Guards(lambda: 0.0).of("acme", "Risk", SETTINGS, b"").breaker
        for _ in range(3):
            breaker.failed(0)
        assert not breaker.allows(999)
        return sum(breaker.allows(1000) for _ in range(100))

    assert through() == 2
    # The control: half-open without a bound lets all of them at an upstream that has just come back.
    monkeypatch.setattr(Breaker, "allows", lambda self, now_ms: self.state(now_ms) != "open")
    assert through() == 100


def test_a_probe_that_is_never_answered_counts_as_failed() -> None:
    breaker = Guards(lambda: 0.0).of("acme", "Risk", SETTINGS, b"").breaker
    for _ in range(3):
        breaker.failed(0)
    assert breaker.allows(1000)
    assert breaker.state(1500) == "open"


def test_second_tries_are_a_fifth_of_the_requests() -> None:
    budget = RetryBudget()
    tries = 0
    for _ in range(100):
        budget.request()
        tries += budget.take()
    assert tries == 20


def test_no_more_than_ten_second_tries_are_saved() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.request()
    assert sum(budget.take() for _ in range(100)) == 10
