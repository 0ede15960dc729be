"""The JSON Schema: a schema, and of one mind with the parser about the form of flows."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from pysandbox.core.flow.check import check_flow
from pysandbox.core.flow.schema import schema
from pysandbox.core.flow.spec import BLOCKS
from tests.fuzz.corpus import examples
from tests.fuzz.flow_strategies import valid_flows
from tests.unit.core.flow.test_guide_flow import PRINTED, completed

VALIDATOR = Draft202012Validator(schema())
# Faults of how blocks hang together, and of texts' insides, which no schema can see.
BEYOND = (
    "no block", "cannot be reached", "circle", "add up", "twice", "{{", "template", "too many ways", "onError",
    "no JSON number", "nests deeper", "names no queue")


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_guides_flow_has_the_right_form() -> None:
    assert VALIDATOR.is_valid(PRINTED)
    assert VALIDATOR.is_valid(completed())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(valid_flows())
def test_what_the_parser_takes_the_schema_takes(flow: object) -> None:
    assert check_flow(flow).problems == []
    assert [error.message for error in VALIDATOR.iter_errors(flow)] == []


@pytest.mark.parametrize("case", [case for case in examples("flows") if "flow" in case], ids=lambda case: case["name"])
def test_what_is_wrong_in_its_form_the_schema_refuses(case: dict[str, object]) -> None:
    rules = [problem.rule for problem in check_flow(case["flow"]).problems]
    if not all(any(part in rule for part in BEYOND) for rule in rules):
        assert not VALIDATOR.is_valid(case["flow"]), rules


def test_every_block_is_in_it() -> None:
    assert BLOCKS.keys() <= schema()["$defs"].keys()  # type: ignore[union-attr, operator]
