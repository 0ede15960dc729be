"""The scores that the last run of `make mutation` left: of each module, none below what is asked."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from tests.mutation.__main__ import HERE, ROOT, SCORES, WANTED

TARGETS = json.loads((HERE / "targets.json").read_text())
FOUND = json.loads(SCORES.read_text())


def test_only_modules_that_are_tried_have_scores() -> None:
    assert FOUND
    assert FOUND.keys() <= TARGETS.keys()


@pytest.mark.parametrize("module", FOUND)
def test_a_modules_score_is_what_is_asked_and_its_tests_are_there(module: str) -> None:
    score = FOUND[module]
    assert score["score"] >= WANTED
    assert score["score"] == round(score["killed"] / (score["mutants"] - score["explained"]), 4)
    assert score["stale"] == []
    assert find_spec(module)
    assert all((ROOT / path).is_file() for path in TARGETS[module])


def test_only_modules_that_are_tried_have_mutants_explained() -> None:
    explained = json.loads((HERE / "explained.json").read_text())
    assert explained.keys() <= TARGETS.keys()
    assert {module: len(reasons) for module, reasons in explained.items() if module in FOUND} == {
        module: score["explained"] for module, score in FOUND.items() if score["explained"]}
