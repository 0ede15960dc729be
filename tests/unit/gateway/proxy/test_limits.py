"""Rate limits and slots in one process."""

import asyncio

import pytest
import throttled.utils

from pysandbox.core.errors import Code
from pysandbox.gateway.proxy.limits import Allowance, Limited, Limits, Slots

ROUTE = Allowance("route", "r:acme:risk", 60, 10)
SESSION = Allowance("session", "s:1", 60, 3)


class Clock:
    now = 5000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throttled.utils, "now_mono_f", lambda: clock.now)
    return clock


def taken(limits: Limits, *allowances: Allowance) -> dict[str, str] | Limited:
    try:
        return asyncio.run(limits.take(allowances))
    except Limited as refusal:
        return refusal


def test_a_burst_passes_and_then_one_each_second(clock: Clock) -> None:
    limits = Limits()
    assert not any(isinstance(taken(limits, ROUTE), Limited) for _ in range(10))
    refusal = taken(limits, ROUTE)
    assert isinstance(refusal, Limited)
    assert refusal.code == Code.RATE_LIMIT
    assert refusal.retryable
    assert refusal.headers["Retry-After"] == "1"
    clock.now += 1.01
    assert isinstance(taken(limits, ROUTE), dict)
    assert isinstance(taken(limits, ROUTE), Limited)


def test_the_headers_are_of_the_one_with_the_least_left(clock: Clock) -> None:
    assert clock.now
    limits = Limits()
    assert taken(limits, SESSION, ROUTE) == {
        "RateLimit-Policy": '"session";q=60;w=60', "RateLimit": '"session";r=2;t=1'}


def test_what_a_session_is_refused_costs_its_route_nothing(clock: Clock) -> None:
    assert clock.now
    limits = Limits()
    for _ in range(50):
        taken(limits, SESSION, ROUTE)
    assert [isinstance(taken(limits, ROUTE), Limited) for _ in range(8)] == [False] * 7 + [True]


def test_keys_do_not_share(clock: Clock) -> None:
    assert clock.now
    limits = Limits()
    one, other = Allowance("route", "r:a:x", 60, 1), Allowance("route", "r:b:x", 60, 1)
    assert isinstance(taken(limits, one), dict)
    assert isinstance(taken(limits, other), dict)
    assert isinstance(taken(limits, one), Limited)


def test_stricter_is_a_quarter_and_never_nothing() -> None:
    assert ROUTE.stricter() == Allowance("route", "r:acme:risk", 15, 2)
    assert Allowance("route", "r", 1, 1).stricter() == Allowance("route", "r", 1, 1)


def test_slots_are_counted_by_key_and_given_back_whatever_happens() -> None:
    slots = Slots()
    with slots.hold("a", 1), slots.hold("b", 1), pytest.raises(Limited, match="concurrent"), slots.hold("a", 1):
        pytest.fail("held twice")
    with pytest.raises(KeyError), slots.hold("a", 1):
        raise KeyError
    with slots.hold("a", 1):
        pass
