"""What was seen of an attack, outside and inside, makes exactly one verdict."""

from __future__ import annotations

import pytest

from pysandbox.testing.attacks.live.verdicts import Half, Result, Seen, Verdict, count, good, judge, with_arrivals

WORKED, FAILED, UNKNOWN = Half(True, "worked"), Half(False, "refused"), Half(None, "no end")
ABSENT = Half(False, "not defined", absent="there is none")


@pytest.mark.parametrize(("control", "attack", "verdict"), [
    (WORKED, FAILED, Verdict.STOPPED),
    (WORKED, WORKED, Verdict.GOT_THROUGH),
    (FAILED, FAILED, Verdict.CONTROL_FAILED),
    (UNKNOWN, FAILED, Verdict.CONTROL_FAILED),
    (WORKED, UNKNOWN, Verdict.CONTROL_FAILED),
    (ABSENT, FAILED, Verdict.NOT_APPLICABLE),
    (ABSENT, UNKNOWN, Verdict.NOT_APPLICABLE),
    (FAILED, WORKED, Verdict.GOT_THROUGH),
    (ABSENT, WORKED, Verdict.GOT_THROUGH),
])  # fmt: skip
def test_the_verdict(control: Half, attack: Half, verdict: Verdict) -> None:
    assert judge(Seen(control, attack))[0] is verdict


def test_what_is_known_to_work_is_residual_with_its_reason() -> None:
    assert judge(Seen(WORKED, WORKED), "one process") == (Verdict.RESIDUAL, "one process")
    assert judge(Seen(WORKED, FAILED), "one process")[0] is Verdict.STOPPED


def test_what_arrived_counts_more_than_what_was_said() -> None:
    lied = Seen(Half(False, "refused"), Half(False, "refused"))
    assert judge(with_arrivals(lied, 1, 0))[0] is Verdict.STOPPED
    assert judge(with_arrivals(lied, 1, 1))[0] is Verdict.GOT_THROUGH
    boasted = Seen(Half(True, "open"), Half(True, "open"))
    assert judge(with_arrivals(boasted, 0, 0))[0] is Verdict.CONTROL_FAILED


def test_what_never_came_to_a_result_does_not_become_one() -> None:
    assert with_arrivals(Seen(WORKED, UNKNOWN), 1, 0).attack.worked is None
    assert judge(with_arrivals(Seen(UNKNOWN, UNKNOWN), 0, 0))[0] is Verdict.CONTROL_FAILED


def result(verdict: Verdict) -> Result:
    return Result("x", "chromium", verdict, "", Seen(WORKED, FAILED))


@pytest.mark.parametrize(("verdicts", "expected"), [
    ([Verdict.STOPPED], True),
    ([Verdict.STOPPED, Verdict.NOT_APPLICABLE, Verdict.RESIDUAL], True),
    ([Verdict.STOPPED, Verdict.GOT_THROUGH], False),
    ([Verdict.STOPPED, Verdict.CONTROL_FAILED], False),
    ([Verdict.NOT_APPLICABLE], False),
    ([], False),
])  # fmt: skip
def test_a_run_is_good_when_all_that_was_tried_was_proved_to_be_stopped(
    verdicts: list[Verdict], expected: bool
) -> None:
    assert good(map(result, verdicts)) is expected


def test_every_verdict_is_counted() -> None:
    assert count([result(Verdict.STOPPED)] * 2) == {
        "stopped": 2, "got through": 0, "control failed": 0, "not applicable": 0, "residual": 0}
