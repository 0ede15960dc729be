"""What plugins draw with: every component can be made, and what is none is refused at the place where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pysandbox.core.ui import COMPONENTS, MAX_DEPTH, MAX_LIST, MAX_NODES, MAX_TEXT_CHARS, UiError, check
from pysandbox.plugin import ui
from tests.unit.core.drawings import DRAWINGS, REFUSED


@pytest.mark.parametrize("made", DRAWINGS, ids=lambda made: str(made["kind"]))
def test_what_the_functions_make_is_json_that_holds(made: ui.Node) -> None:
    assert json.loads(json.dumps(made)) == made
    check(made)


def test_there_is_a_function_for_each_component_and_one_drawing_of_each() -> None:
    assert set(COMPONENTS) == {made["kind"] for made in DRAWINGS}
    assert all(callable(getattr(ui, kind)) for kind in COMPONENTS)


@pytest.mark.parametrize(("tree", "path"), REFUSED, ids=lambda one: repr(one)[:60])
def test_what_is_none_is_refused_where_it_is_wrong(tree: object, path: str) -> None:
    with pytest.raises(UiError) as refused:
        check(tree)
    assert refused.value.path == path


@pytest.mark.parametrize("make", [
    lambda: ui.text(7), lambda: ui.text("a", tone="loud"), lambda: ui.meter("a", 1.5),
    lambda: ui.button("a", invoke="not a handler"), lambda: ui.choice("a", "b", [("only",)]),
    lambda: ui.number_field("a", "b", value=float("nan")), lambda: ui.column("a"),
])  # fmt: skip
def test_a_function_says_at_once_what_is_wrong(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"^\$"):
        make()


def test_no_drawing_is_endless() -> None:
    check(ui.column(*(ui.text("") for _ in range(MAX_NODES - 1))))
    with pytest.raises(UiError, match="too much"):
        check({"kind": "column", "children": [{"kind": "text", "text": ""}] * MAX_NODES})
    deep: dict[str, Any] = {"kind": "text", "text": ""}
    for _ in range(MAX_DEPTH - 1):
        deep = {"kind": "column", "children": [deep]}
    check(deep)
    with pytest.raises(UiError, match="too much"):
        check({"kind": "column", "children": [deep]})
    ui.text("a" * MAX_TEXT_CHARS)
    with pytest.raises(UiError):
        ui.text("a" * (MAX_TEXT_CHARS + 1))
    with pytest.raises(UiError):
        ui.items(*["a"] * (MAX_LIST + 1))
