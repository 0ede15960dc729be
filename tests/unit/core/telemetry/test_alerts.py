"""Alerts: found within a window, never for a blip, never twice; shown by simulated days."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

import pytest

from pysandbox.core.telemetry.alerts import BUILT_IN, Alerts, Change, Figures

ERRORS, LATENCY = BUILT_IN
MINUTE = 60


def look(alerts: Alerts, at_s: float, **figures: Figures) -> list[Change]:
    return alerts.look(ERRORS, figures, at_s)


BAD, GOOD, FEW = Figures(100, 20, 1e4), Figures(100, 1, 1e4), Figures(10, 10, 1e3)


def test_it_fires_after_its_while_and_once() -> None:
    alerts = Alerts()

    assert look(alerts, 0, plugin=BAD) == []
    (change,) = look(alerts, 60, plugin=BAD)
    assert (change.firing, change.group, change.value, change.count, change.since_s) == (True, "plugin", 0.2, 100, 0)
    assert look(alerts, 120, plugin=BAD) == []
    assert alerts.firing() == [("error-rate", "plugin", 0)]


def test_a_blip_is_no_alert() -> None:
    alerts = Alerts()
    for at_s in range(0, 600, 60):
        assert look(alerts, at_s, plugin=BAD if at_s % 120 == 0 else GOOD) == []


def test_few_invocations_decide_nothing() -> None:
    alerts = Alerts()
    for at_s in range(0, 600, 60):
        assert look(alerts, at_s, plugin=FEW) == []


def test_between_threshold_and_clearance_it_goes_on() -> None:
    alerts = Alerts()
    look(alerts, 0, plugin=BAD)
    look(alerts, 60, plugin=BAD)
    for at_s in range(120, 1200, 60):
        assert look(alerts, at_s, plugin=Figures(100, 4, 1e4)) == []  # 4 percent: below 5, above 3
    assert look(alerts, 1200, plugin=GOOD) == []
    (change,) = look(alerts, 1500, plugin=GOOD)
    assert not change.firing
    assert alerts.firing() == []


def test_a_group_that_falls_silent_is_cleared() -> None:
    alerts = Alerts()
    look(alerts, 0, plugin=BAD)
    look(alerts, 60, plugin=BAD)

    assert look(alerts, 120) == []
    assert [change.firing for change in look(alerts, 420)] == [False]


def test_a_silenced_alert_tells_nobody_and_goes_on() -> None:
    alerts = Alerts(silenced=lambda _rule, group, at_s: group == "plugin" and at_s < 300)
    look(alerts, 0, plugin=BAD)

    assert look(alerts, 60, plugin=BAD) == []
    assert alerts.firing()


def test_latency_is_an_average() -> None:
    alerts = Alerts()
    slow = {"plugin": Figures(100, 0, 100 * 2001.0)}
    alerts.look(LATENCY, slow, 0)

    assert [change.rule.name for change in alerts.look(LATENCY, slow, 60)] == ["latency"]
    assert Figures().value("averageMs") == 0


Day = list[tuple[Figures, bool]]
"""Per minute: what happened, and whether an incident is on."""


def day(seed: int, incidents: list[tuple[int, int, float, float]]) -> Iterator[tuple[Figures, bool]]:
    """Traffic that follows the hours, 1 percent errors and 400 ms on average; ``incidents``: (minute, minutes, error
    rate, average ms)."""
    chance = random.Random(seed)
    for minute in range(24 * 60):
        on = next((it for it in incidents if it[0] <= minute < it[0] + it[1]), None)
        count = int(60 + 50 * ((minute / 60) % 12) / 12 + chance.random() * 20)
        rate, average = (on[2], on[3]) if on else (0.01, 400.0)
        failed = sum(chance.random() < rate for _ in range(count))
        yield Figures(count, failed, sum(chance.expovariate(1 / average) for _ in range(count))), on is not None


def simulate(seed: int, incidents: list[tuple[int, int, float, float]]) -> list[tuple[float, str, bool]]:
    alerts = Alerts()
    minutes: deque[Figures] = deque(maxlen=ERRORS.window_s // MINUTE)
    told: list[tuple[float, str, bool]] = []
    for minute, (figures, _) in enumerate(day(seed, incidents)):
        minutes.append(figures)
        window = Figures(
            sum(one.count for one in minutes), sum(one.failed for one in minutes), sum(one.total_ms for one in minutes))
        for rule in BUILT_IN:
            told += [
                (minute, change.rule.name, change.firing)
                for change in alerts.look(rule, {"plugin": window}, minute * MINUTE)]
    return told


@pytest.mark.parametrize("seed", range(5))
def test_a_quiet_day_pages_nobody(seed: int) -> None:
    assert simulate(seed, []) == []


@pytest.mark.parametrize("seed", range(5))
def test_each_incident_of_a_day_is_found_within_one_window_and_told_once(seed: int) -> None:
    incidents = [(120, 20, 0.15, 400.0), (480, 30, 0.01, 4000.0), (900, 45, 0.5, 3500.0), (1300, 15, 0.3, 400.0)]
    told = simulate(seed, incidents)

    wanted = [(120, "error-rate"), (480, "latency"), (900, "error-rate"), (900, "latency"), (1300, "error-rate")]
    fired = [(minute, name) for minute, name, firing in told if firing]
    assert sorted(name for _, name in fired) == sorted(name for _, name in wanted)
    window = ERRORS.window_s / MINUTE
    for began, name in wanted:
        assert [minute for minute, other in fired if other == name and began <= minute <= began + window], (began, name)
    assert len([it for it in told if not it[2]]) == len(wanted)  # each ends, once
