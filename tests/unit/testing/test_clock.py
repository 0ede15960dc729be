"""The manual clock: timers fall due in order, at their own time, and only when a test moves on."""

from __future__ import annotations

import pytest

from pysandbox.testing import ManualClock


def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    assert clock.now_ms == 0
    clock.advance(250)
    assert clock.now_ms == 250


def test_timers_fire_in_order_of_time_then_of_setting_and_see_their_own_time() -> None:
    clock = ManualClock()
    seen: list[tuple[str, float]] = []
    for name, ms in (("late", 30), ("early", 10), ("also early", 10), ("beyond", 31)):
        clock.schedule(lambda name=name: seen.append((name, clock.now_ms)), ms)
    clock.advance(30)
    assert seen == [("early", 10), ("also early", 10), ("late", 30)]


def test_a_cancelled_timer_never_fires() -> None:
    clock = ManualClock()
    seen: list[str] = []
    clock.schedule(lambda: seen.append("x"), 1).cancel()
    clock.advance(10)
    assert seen == []


def test_a_timer_set_by_a_timer_fires_within_the_same_move_if_it_falls_due() -> None:
    clock = ManualClock()
    seen: list[float] = []
    clock.schedule(lambda: clock.schedule(lambda: seen.append(clock.now_ms), 5), 10)
    clock.advance(20)
    assert seen == [15]


def test_what_a_timer_raises_comes_out_at_its_time() -> None:
    clock = ManualClock()
    clock.schedule(lambda: 1 / 0, 10)
    with pytest.raises(ZeroDivisionError):
        clock.advance(20)
    assert clock.now_ms == 10


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        ManualClock().advance(-1)
