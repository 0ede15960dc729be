"""The breaker: when it opens, for how long, and what it lets through in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pysandbox.core.breaker import Breaker


def breaker(
    *, failures: int = 3, base_ms: float = 100, max_ms: float = 1000, probes: int = 1, probe_ms: float = 50,
    jitter: Callable[[], float] = lambda: 0.0,
) -> Breaker:  # fmt: skip
    return Breaker(failures=failures, base_ms=base_ms, max_ms=max_ms, jitter=jitter, probes=probes, probe_ms=probe_ms)


# Each step is (time, what happens, what is seen); "allows" is a question and takes a probe where it is half-open.
TABLE: dict[str, list[tuple[float, str, object]]] = {
    "a fresh one is closed and lets everything through": [
        (0, "state", "closed"), (0, "allows", True), (0, "allows", True), (0, "allows", True), (0, "retry", None)],
    "failures in a row open it": [
        (0, "failed", None), (1, "failed", None), (1, "allows", True), (2, "failed", None),
        (2, "state", "open"), (2, "allows", False), (2, "retry", 102)],
    "a success in between starts the count again": [
        (0, "failed", None), (0, "failed", None), (0, "succeeded", None), (0, "failed", None), (0, "failed", None),
        (0, "state", "closed"), (0, "failed", None), (0, "state", "open")],
    "open ends at its time and not before": [
        (0, "open", None), (99.9, "state", "open"), (99.9, "allows", False), (100, "state", "half-open"),
        (100, "retry", None), (100, "allows", True)],
    "one probe and no second": [(0, "open", None), (100, "allows", True), (101, "allows", False)],
    "looking at the state takes no probe": [
        (0, "open", None), (100, "state", "half-open"), (100, "state", "half-open"), (100, "allows", True)],
    "a probe that succeeds closes it": [
        (0, "open", None), (100, "allows", True), (110, "succeeded", None), (110, "state", "closed"),
        (110, "allows", True), (110, "allows", True), (110, "retry", None)],
    "a probe that fails opens it for twice as long": [
        (0, "open", None), (100, "allows", True), (110, "failed", None), (110, "retry", 310), (309, "allows", False),
        (310, "allows", True)],
    "a probe without an answer counts as failed from the moment it was due": [
        (0, "open", None), (100, "allows", True), (149, "state", "half-open"), (150, "state", "open"),
        (150, "retry", 350)],
    "nobody looked for long: the same as if somebody had": [
        (0, "open", None), (100, "allows", True), (349, "state", "open"), (349, "retry", 350), (350, "allows", True)],
    "a probe's answer that comes too late changes nothing": [
        (0, "open", None), (100, "allows", True), (150, "succeeded", None), (150, "state", "open"),
        (150, "retry", 350)],
    "a success while it is open changes nothing": [
        (0, "open", None), (50, "succeeded", None), (50, "state", "open"), (50, "retry", 100)],
    "a success while no probe is out changes nothing": [
        (0, "open", None), (100, "succeeded", None), (100, "state", "half-open"), (100, "allows", True),
        (101, "failed", None), (101, "retry", 301)],
    "failures while it is open do not lengthen its rest": [
        (0, "open", None), (50, "failed", None), (60, "failed", None), (60, "retry", 100), (100, "allows", True),
        (101, "failed", None), (101, "retry", 301)],
    "a failure while no probe is out changes nothing": [
        (0, "open", None), (100, "failed", None), (100, "state", "half-open"), (100, "allows", True)],
    "after a success it takes as many failures, and the first backoff, again": [
        (0, "open", None), (100, "allows", True), (100, "failed", None), (300, "allows", True),
        (300, "succeeded", None), (300, "failed", None), (300, "failed", None), (300, "state", "closed"),
        (300, "failed", None), (300, "retry", 400)],
}  # fmt: skip


def step(one: Breaker, now_ms: float, what: str) -> object:
    match what:
        case "allows":
            return one.allows(now_ms)
        case "state":
            return one.state(now_ms)
        case "retry":
            return one.retry_at_ms
        case "failed":
            return one.failed(now_ms)
        case "succeeded":
            return one.succeeded(now_ms)
        case "open":
            for _ in range(3):
                one.failed(now_ms)
            return None
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize("steps", TABLE.values(), ids=TABLE)
def test_the_table(steps: list[tuple[float, str, object]]) -> None:
    one = breaker()
    for now_ms, what, seen in steps:
        assert step(one, now_ms, what) == seen, (now_ms, what)


def test_the_backoff_doubles_up_to_its_ceiling_and_stays_there() -> None:
    one, now, rests = breaker(failures=1), 0.0, list[float]()
    for _ in range(7):
        one.allows(now)
        one.failed(now)
        assert one.retry_at_ms is not None
        rests.append(one.retry_at_ms - now)
        now = one.retry_at_ms
    assert rests == [100, 200, 400, 800, 1000, 1000, 1000]


@pytest.mark.parametrize(("jitter", "rest_ms"), [(0.0, 100), (0.5, 75), (1.0, 50), (-3.0, 100), (7.0, 50)])
def test_jitter_takes_at_most_half_of_the_rest_off(jitter: float, rest_ms: float) -> None:
    one = breaker(failures=1, jitter=lambda: jitter)
    one.failed(0)
    assert one.retry_at_ms == rest_ms


def test_several_probes_are_let_through_and_one_success_closes() -> None:
    one = breaker(failures=1, probes=2)
    one.failed(0)
    assert [one.allows(100), one.allows(120), one.allows(130)] == [True, True, False]
    one.succeeded(140)
    assert one.state(500) == "closed", "the other probe's deadline is of no interest any more"


def test_a_probe_that_is_withdrawn_leaves_its_place_to_another() -> None:
    one = breaker(failures=1, probes=1)
    one.failed(0)
    assert [one.allows(5000), one.allows(5000)] == [True, False]
    one.withdrawn(5000)
    assert one.allows(5000)
    one.succeeded(5001)
    one.withdrawn(5002)
    assert one.state(5002) == "closed"


def test_of_several_probes_the_oldest_runs_out_first() -> None:
    one = breaker(failures=1, probes=2)
    one.failed(0)
    assert [one.allows(100), one.allows(140)] == [True, True]
    assert [one.state(149), one.state(150)] == ["half-open", "open"]
    assert one.retry_at_ms == 350


@pytest.mark.parametrize("wrong", [
    {"failures": 0}, {"probes": 0}, {"base_ms": 0}, {"base_ms": -1}, {"max_ms": 99}, {"probe_ms": 0}])
def test_a_breaker_that_could_not_work_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a breaker needs"):
        breaker(**wrong)
