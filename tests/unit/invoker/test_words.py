"""The outcome as a function tells it is the plugin's; and one that lies tells none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.outcome import Memory, Outcome, failure
from pysandbox.invoker.words import read_error, read_outcome

OK = Outcome(
    Status.OK, '{"a":[1,"ü"]}', correlation_id="theirs", duration_ms=1.5, memory=Memory(1, 2, "wasm"), generation=3)
LATE = failure(SandboxError(Code.PLUGIN_TIMEOUT, "late"), layer="soft", duration_ms=9.0)


def told(outcome: Outcome, **changes: Any) -> str:
    return json.dumps({**json.loads(outcome.to_json()), **changes})


def test_an_outcome_is_read_as_it_was_told_but_for_the_callers_own_id() -> None:
    read = read_outcome(OK.to_json(), "ours")
    assert (read.status, read.value, read.correlation_id, read.generation) == (Status.OK, '{"a":[1,"ü"]}', "ours", 3)
    assert (read.duration_ms, read.memory) == (1.5, Memory(1, 2, "function"))
    late = read_outcome(LATE.to_json(), "ours")
    assert late.error is not None
    assert (late.status, late.error.code, late.error.message, late.layer) == (
        Status.TIMEOUT, Code.PLUGIN_TIMEOUT, "late", "soft")


@pytest.mark.parametrize("text", [
    "", "[]", "null", "{", '{"status":"ok"}', "[" * 5000,
    told(OK, status="great"), told(OK, status="error"), told(OK, error={"code": "PLUGIN_ERROR", "message": "x"}),
    told(LATE, status="ok"), told(LATE, value=1), told(LATE, layer="law"), told(LATE, error="late"),
    told(LATE, error={"code": 1, "message": "x"}), told(LATE, error={"code": "PLUGIN_TIMEOUT"}),
    told(OK, durationMs=-1), told(OK, durationMs="1"), told(OK, generation=True), told(OK, memory={"bytes": 1e300}),
])  # fmt: skip
def test_what_is_no_outcome_is_the_functions_failure(text: str) -> None:
    with pytest.raises(SandboxError) as caught:
        read_outcome(text, "")
    assert caught.value.code is Code.FUNCTION_FAILED


def test_an_error_of_another_version_and_a_long_one_are_bounded() -> None:
    error = read_error({"code": "NEW_CODE", "message": "x" * 10_000})
    assert error.code is Code.PLUGIN_ERROR
    assert error.message.startswith("NEW_CODE: x")
    assert len(error.message) < 5000
