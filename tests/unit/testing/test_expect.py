"""QA's assertions: what passes, and what each says of what came instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.testing.expect import expect_alert, expect_outcome
from pysandbox.testing.sandbox import OpenSandbox, SeenOutcome

GOOD = SeenOutcome("ok", {"score": 1}, "", "", "", 12.0, "c-1", 1)
LATE = replace(GOOD, status="timeout", value=None, code="PLUGIN_TIMEOUT", layer="hard", duration_ms=600.0)
ALERT = {"code": "PROTOCOL_VIOLATION", "rule": "not-text", "pluginId": "com.example.lab"}


class Answers:
    """A page that answers each question with the next of these."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def evaluate(self, function: str, arg: Any = None, /) -> Any:
        del function, arg
        return self.answers.pop(0)


def test_the_value_of_a_good_outcome_comes_back() -> None:
    assert expect_outcome(GOOD, within_ms=12) == {"score": 1}
    assert expect_outcome(LATE, "timeout", code="PLUGIN_TIMEOUT", layer="hard", within_ms=600) is None


@pytest.mark.parametrize(("outcome", "expected", "told"), [
    (LATE, {}, "status timeout, not ok: SeenOutcome"),
    (LATE, {"status": "timeout", "code": "PLUGIN_ERROR"}, "code PLUGIN_TIMEOUT, not PLUGIN_ERROR"),
    (LATE, {"status": "timeout", "layer": "soft"}, "layer hard, not soft"),
    (LATE, {"status": "timeout", "within_ms": 500}, "600.0 ms, not within 500"),
    (GOOD, {"code": "PLUGIN_ERROR", "layer": "soft"}, "code none, not PLUGIN_ERROR; layer none, not soft"),
])  # fmt: skip
def test_what_came_instead_is_said(outcome: SeenOutcome, expected: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        expect_outcome(outcome, **expected)


def test_an_alert_is_found_by_all_that_is_given() -> None:
    sandbox = OpenSandbox(Answers([ALERT, {**ALERT, "rule": "too-deep"}]), 0, own=True)
    assert expect_alert(sandbox, code=ALERT["code"], rule="too-deep", within_s=0)["rule"] == "too-deep"


def test_without_such_an_alert_those_that_there_were_are_said() -> None:
    with pytest.raises(AssertionError, match=r"no alert with \{'rule': 'replay'\} within 0 s; .*not-text"):
        expect_alert(OpenSandbox(Answers([ALERT]), 0, own=True), rule="replay", within_s=0)


@pytest.mark.parametrize(("code", "raised"), [("PLUGIN_NOT_FOUND", Code.PLUGIN_NOT_FOUND), ("", Code.BOOT_FAILED)])
def test_what_a_page_could_not_open_or_load_is_a_coded_error(code: str, raised: Code) -> None:
    detail = {"path": "$.version", "rule": "no such version", "cure": "Name another."}
    rejected: dict[str, Any] = {"rejected": {"code": code, "message": "why", "details": [detail]}}
    with pytest.raises(SandboxError, match="why") as opening:
        OpenSandbox.open(Answers(rejected), "https://sandbox.example", "token")
    with pytest.raises(SandboxError, match="why") as loading:
        OpenSandbox(Answers(rejected), 0, own=True).load("com.example.lab")
    assert (opening.value.code, loading.value.code) == (raised, raised)
    assert [one.as_json() for one in loading.value.details] == [detail]


def test_a_page_without_a_sandbox_there_is_said() -> None:
    with pytest.raises(ValueError, match=r"window\.mine is no sandbox"):
        OpenSandbox.of(Answers(-1), "window.mine")


@pytest.mark.parametrize("what", ["alerts", "records"])
def test_what_goes_to_the_pages_own_listeners_is_not_taken_for_nothing(what: str) -> None:
    with pytest.raises(ValueError, match=f"its {what} are where the page"):
        getattr(OpenSandbox.of(Answers(3), "window.mine"), what)()
