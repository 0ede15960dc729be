"""The catalogue of attacks is complete, and every test that it names is in the tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pysandbox.core.errors import Code
from pysandbox.testing.attacks import ATTACKS, RESIDUAL, Attack, Verdict, attack
from pysandbox.testing.attacks.catalogue import LISTED
from pysandbox.testing.attacks.model import BROWSERS, SERVER

ROOT = Path(__file__).parents[4]
NUMBERS = {number for one in ATTACKS for number in one.numbers}
EACH = [pytest.param(one, id=one.slug) for one in ATTACKS]


@cache
def named_in(file: str) -> frozenset[str]:
    """The names that pytest would collect in a file, found without running it."""
    return frozenset(_tests(ast.parse((ROOT / file).read_text("utf-8"))))


def _tests(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


@pytest.mark.parametrize("one", EACH)
def test_every_test_that_is_named_exists(one: Attack) -> None:
    assert one.proofs
    for node_id in one.tests:
        file, _, name = node_id.partition("::")
        assert (ROOT / file).is_file(), node_id
        assert name in named_in(file), node_id


def test_every_number_of_the_list_is_an_attack() -> None:
    assert set(LISTED) <= NUMBERS


def test_numbers_of_new_ideas_go_on_without_a_gap() -> None:
    new = {number for number in NUMBERS if number not in LISTED}
    assert new == set(range(LISTED.stop, LISTED.stop + len(new)))


@pytest.mark.parametrize("one", EACH)
def test_every_attack_has_a_control_or_one_sentence_why_not(one: Attack) -> None:
    assert bool(one.control) != bool(one.no_control)
    if one.control:
        assert one.control.shown_by
    else:
        assert one.no_control.endswith(".")


@pytest.mark.parametrize("number", [*range(8, 13), 60, *range(66, 80), 85, *range(95, 99), 100])
def test_every_attack_on_the_gateway_has_a_control_that_runs(number: int) -> None:
    assert all(one.control for one in ATTACKS if number in one.numbers)


@pytest.mark.parametrize("one", EACH)
def test_every_attack_says_where_it_runs_and_how_it_ends(one: Attack) -> None:
    assert tuple(one.verdicts) in (BROWSERS, SERVER)
    assert one.alert == "" or one.alert in list(Code)
    assert one.tries.endswith(".")
    left = Verdict.RESIDUAL in one.verdicts.values()
    assert not left or one.residual, "what cannot be stopped has to be explained"
    assert set(one.residual) <= set(RESIDUAL)


def test_names_are_unique_and_lead_to_their_attack() -> None:
    assert len({one.slug for one in ATTACKS}) == len(ATTACKS)
    assert attack("fetch").numbers == (1,)
    with pytest.raises(KeyError):
        attack("none")


def test_every_residual_risk_is_what_is_left_of_some_attack() -> None:
    assert {slug for one in ATTACKS for slug in one.residual} <= set(RESIDUAL)
    for risk in RESIDUAL.values():
        assert risk.places
        assert all(text.endswith(".") for text in (risk.gains, risk.why, risk.advice))
