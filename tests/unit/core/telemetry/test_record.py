"""What is a record and what is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from pysandbox.core.telemetry import record


def good() -> dict[str, Any]:
    return {
        **record.empty("invocation"), "id": "0" * 32, "timestamp": "2024-05-15T14:32:11.000Z", "status": "ok",
        "correlationId": "gen-abc123-def456", "pluginId": "com.vendor.risk-scoring", "vendor": "com.vendor",
        "version": "2.1.0", "environment": "prod",
        "metrics": {"durationMs": 1842, "memoryUsedMB": 48.2, "networkLatencyMs": 310, "statusCode": 200}}


def test_a_good_record_has_no_problem_and_fits_the_published_schema() -> None:
    assert record.problems(good()) == []
    jsonschema.validate(good(), record.json_schema())


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "missing": (lambda it: it.pop("queue"), "$.queue"),
    "unknown": (lambda it: it.update(body="x"), "$.body"),
    "nested unknown": (lambda it: it["metrics"].update(x=1), "$.metrics.x"),
    "negative": (lambda it: it["metrics"].update(durationMs=-1), "$.metrics.durationMs"),
    "boolean for number": (lambda it: it["metrics"].update(durationMs=True), "$.metrics.durationMs"),
    "raw hash": (lambda it: it.update(payloadHash="sha256:8f14e45fceea167a5a36dedd4bea2543"), "$.payloadHash"),
    "other status": (lambda it: it.update(status="fine"), "$.status"),
    "no object": (lambda it: it.update(metrics=[]), "$.metrics"),
    "long text": (lambda it: it.update(queue="q" * 129), "$.queue"),
    "deep limits": (lambda it: it.update(limitsHit={"a": {}}), "$.limitsHit"),
    "no time": (lambda it: it.update(timestamp="yesterday"), "$.timestamp"),
    "an alert without one": (lambda it: it.update(kind="alert"), "$.alert"),
    "a line without one": (lambda it: it.update(kind="log"), "$.log"),
    "an invocation without an end": (lambda it: it.update(status=None), "$.status"),
    "other version": (lambda it: it.update(schema=2), "$.schema"),
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_every_fault_is_named_with_its_path(spoil: str) -> None:
    spoiled = copy.deepcopy(good())
    change, path = SPOILED[spoil]
    change(spoiled)

    assert [problem.path for problem in record.problems(spoiled)] == [path]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoiled, record.json_schema())


def test_all_problems_come_at_once() -> None:
    assert len(record.problems({"schema": 1})) == len(record.SHAPE.of) - 1
    assert record.problems([])[0].path == "$"
