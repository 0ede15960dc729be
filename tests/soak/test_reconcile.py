"""The reconciliation finds what it is there to find, and so does the trend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.soak.reconcile import BESIDE, Ledger, problems
from tests.soak.session import trend


def outcome(number: int, kind: str, status: str, code: str = "", **more: Any) -> dict[str, Any]:
    id = f"soak-{number}"
    return {"id": id, "correlationId": id, "kind": kind, "status": status, "code": code, "generation": 1, **more}


def sound() -> Ledger:
    """Two of its workers' calls, a failure, and one that left too much memory behind."""
    outcomes = [
        outcome(0, "works", "ok", value={"hit": False, "fired": True}),
        outcome(1, "works", "ok", value={"hit": True, "fired": True}),
        outcome(2, "fails", "error", "PLUGIN_ERROR"),
        outcome(3, "hoards", "ok"),
    ]
    seen = [{"id": one["id"], "worker": "a", "serial": n + 1} for n, one in enumerate(outcomes)]
    records = [[one["id"], one["status"], one["code"] or None] for one in outcomes]
    ledger = Ledger()
    told = {"outcomes": outcomes, "records": records, "seen": seen, "drains": ["memory"], "crashes": [], "alerts": []}
    ledger.add([(n, str(one["kind"])) for n, one in enumerate(outcomes)], told)
    return ledger


def test_what_adds_up_is_no_problem() -> None:
    assert problems(sound()) == []


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda ledger: ledger.outcomes.pop(), "outcomes: lost"),
    (lambda ledger: ledger.outcomes.append(ledger.outcomes[0]), "too many"),
    (lambda ledger: ledger.records.pop(), "telemetry records: lost"),
    (lambda ledger: ledger.records.append(ledger.records[0]), "too many"),
    (lambda ledger: ledger.records.__setitem__(0, ("soak-0", "error", "PLUGIN_ERROR")), "telemetry says otherwise"),
    (lambda ledger: ledger.seen.append(ledger.seen[0]), "ran twice"),
    (lambda ledger: ledger.seen.pop(1), "never ran"),
    (lambda ledger: ledger.seen.pop(1), "counted otherwise"),
    (lambda ledger: ledger.seen[0].update(id="soak-9"), "never asked for"),
    (lambda ledger: ledger.outcomes[0].update(status="killed"), "ended otherwise"),
    (lambda ledger: ledger.outcomes[0].update(status="killed", message=BESIDE, generation=2), "ended otherwise"),
    (lambda ledger: ledger.outcomes[1]["value"].update(hit=False), "cache"),
    (lambda ledger: ledger.outcomes[1]["value"].update(fired=False), "timer"),
    (lambda ledger: ledger.drains.clear(), "memory pressure"),
    (lambda ledger: ledger.alerts.append({"code": "RATE_LIMIT"}), "security alerts"),
])  # fmt: skip
def test_what_does_not_is_named(spoil: Callable[[Ledger], object], says: str) -> None:
    ledger = sound()
    spoil(ledger)
    assert any(says in problem for problem in problems(ledger))


def test_memory_that_grows_shows_and_a_single_sample_does_not() -> None:
    assert trend([300.0] * 20) == 1
    assert trend([300.0, 340.0, *[300.0] * 17, 340.0]) == 1
    assert trend([300.0 + 5 * n for n in range(20)]) > 1.2


def test_a_worker_that_was_killed_owes_no_shutdown() -> None:
    ledger = sound()
    ledger.drains.clear()
    ledger.crashes.add(1)
    assert problems(ledger) == []
