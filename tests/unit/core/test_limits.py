"""The limits table: its shape, and what a manifest may touch."""

from __future__ import annotations

import re

import pytest

from pysandbox.core.errors import Code
from pysandbox.core.limits import LIMITS, Limit, default, defaults, in_bounds, names


def test_every_default_lies_between_its_floor_and_its_ceiling() -> None:
    for name, limit in LIMITS.items():
        assert 0 <= limit.floor <= limit.default <= limit.ceiling, name


def test_names_are_camel_case_so_that_one_spelling_serves_json_and_typescript() -> None:
    assert [name for name in LIMITS if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)+|[a-z]+", name)] == []


def test_a_limit_whose_default_is_out_of_bounds_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="floor"):
        Limit(5, 10, 20, "ms", Code.RATE_LIMIT, "host", "x")
    with pytest.raises(ValueError, match="floor"):
        Limit(50, 10, 20, "ms", Code.RATE_LIMIT, "host", "x")


def test_a_limit_is_enforced_by_somebody_we_know() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Limit(15, 10, 20, "ms", Code.RATE_LIMIT, "host, goodwill", "x")


def test_the_longest_rest_is_never_shorter_than_the_first() -> None:
    assert LIMITS["backoffMaxMs"].floor >= LIMITS["backoffBaseMs"].ceiling


def test_scopes_split_the_table_without_remainder() -> None:
    assert sorted(names("isolation") + names("limits") + names("host")) == sorted(LIMITS)
    assert names("isolation") == ("memoryLimitMB", "maxExecutionTimeMs")
    assert "graceMs" not in defaults("limits")


def test_the_memory_floor_leaves_room_above_the_480_pages_that_the_interpreter_needs() -> None:
    assert LIMITS["memoryLimitMB"].floor * 16 > 480


@pytest.mark.parametrize(("value", "good"), [
    (50, True), (30_000, True), (49, False), (30_001, False), (True, False), (3000.0, False), ("3000", False),
    (None, False), (float("nan"), False), (-1, False)])
def test_bounds_are_inclusive_and_only_an_int_is_inside(value: object, good: bool) -> None:
    assert in_bounds("maxExecutionTimeMs", value) is good


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        default("nothing")
