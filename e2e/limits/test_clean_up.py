"""A plugin that is stopped softly cleans up, and its worker lives on: what it wrote down is still there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.kit.lab import Lab, LabPlugin, Outcome
from e2e.limits.rows import DEADLINE_MS, GRACE_MS, LATE_MS

ATTEMPTS = 6


@pytest.fixture
def wicked(shared_lab: Lab) -> Iterator[LabPlugin]:
    plugin = shared_lab.load("test.wicked@1.0.0")
    yield plugin
    plugin.unload()


def notes_after(plugin: LabPlugin, handler: str, layer: str) -> list[str]:
    """What its worker holds after it was stopped by this layer; on a busy machine the next one may be first."""
    outcome: Outcome = {}
    for _ in range(ATTEMPTS):
        outcome = plugin.invoke(handler, timeoutMs=DEADLINE_MS)
        assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT"), outcome
        assert DEADLINE_MS - 1 <= outcome["pageMs"] <= DEADLINE_MS + GRACE_MS + LATE_MS
        after = plugin.next_outcome("remembered")
        assert after["status"] == "ok", after
        if (outcome["layer"], outcome["generation"]) == (layer, after["generation"]):
            return after["value"]
    raise AssertionError(f"in {ATTEMPTS} attempts never {layer}, its worker spared: {outcome}")


@pytest.mark.parametrize(
    ("handler", "layer", "notes"),
    [
        ("loop_with_clean_up", "soft", ["manager entered", "caught DeadlineExceeded", "finally", "manager left"]),
        ("wait_with_clean_up", "cooperative", ["manager entered", "finally", "manager left"]),
    ],
)
def test_finally_and_context_managers_run(wicked: LabPlugin, handler: str, layer: str, notes: list[str]) -> None:
    assert notes_after(wicked, handler, layer)[-len(notes) :] == notes
