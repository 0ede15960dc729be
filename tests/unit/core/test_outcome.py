"""The outcome: its JSON shape, and the status that each code leads to."""

from __future__ import annotations

import json

import pytest

from pysandbox.core.errors import INFO, Code, ManifestError, Problem, SandboxError, Status
from pysandbox.core.outcome import Memory, Outcome, coded, failure


def test_an_ok_outcome_carries_the_values_own_text() -> None:
    text = Outcome(
        Status.OK, value='{"a": 1.50}', correlation_id="c", duration_ms=1.23456, memory=Memory(1, 2, "s"),
        generation=3).to_json()  # fmt: skip
    assert '"value":{"a": 1.50}' in text
    assert json.loads(text) == {
        "status": "ok", "value": {"a": 1.5}, "correlationId": "c", "durationMs": 1.235,
        "memory": {"bytes": 1, "peakBytes": 2, "source": "s"}, "generation": 3,
    }  # fmt: skip


@pytest.mark.parametrize("code", Code)
def test_a_failure_has_the_status_of_its_code_and_no_value(code: Code) -> None:
    told = json.loads(failure(SandboxError(code, 'say "what"'), layer="hard", correlation_id='x"y').to_json())
    assert told["status"] == INFO[code].status
    assert told["error"] == {"code": code, "message": 'say "what"', "retryable": INFO[code].retryable}
    assert (told["layer"], told["correlationId"]) == ("hard", 'x"y')
    assert "value" not in told


def test_the_layer_is_there_only_where_a_deadline_was_enforced() -> None:
    assert "layer" not in json.loads(failure(SandboxError(Code.PLUGIN_ERROR)).to_json())


def test_a_manifests_problems_stay_in_the_error() -> None:
    error = ManifestError([Problem("$.a", "rule", "cure")])
    assert json.loads(failure(error).to_json())["error"]["details"] == [{"path": "$.a", "rule": "rule", "cure": "cure"}]


def test_a_peers_code_that_is_not_ours_becomes_a_plugin_error_that_names_it() -> None:
    assert coded("MEMORY_LIMIT", "m").code is Code.MEMORY_LIMIT
    odd = coded("WHAT", "m")
    assert (odd.code, odd.message) == (Code.PLUGIN_ERROR, "WHAT: m")
