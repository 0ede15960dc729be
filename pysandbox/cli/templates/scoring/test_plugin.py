"""The plugin's logic without a browser; ``pysandbox test`` then runs its saved input in the real sandbox too."""

from __future__ import annotations

from pathlib import Path

from pysandbox.testing import load_plugin

PLUGIN = load_plugin(Path(__file__).parent)


def test_many_signs_are_a_high_score() -> None:
    result = PLUGIN.invoke("evaluate", {"contacts": 3, "failedPayments": 1, "message": "again!!"})
    assert (result["score"], result["band"]) == (0.95, "high")


def test_nothing_told_is_a_low_score() -> None:
    assert PLUGIN.invoke("evaluate", {})["band"] == "low"
