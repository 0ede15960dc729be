"""19: every road from a plugin's Python to JavaScript is known.

The crawler walks all that a plugin reaches from its modules, frames, a traceback and the garbage collector, and tells
each live JsProxy and each builtin of Pyodide's; what it finds is compared with the list beside this file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import ESCAPED
from e2e.kit.lab import Lab
from e2e.kit.server import LabServer

LIST = Path(__file__).parent / "javascript_in_python.txt"
CRAWLER = "test.crawler@1.0.0"
HIDDEN = ("js", "pyodide_js", "pyodide_js._module", "micropip", "pyodide.http")


def known() -> list[str]:
    lines = LIST.read_text("utf-8").splitlines()
    return sorted(line for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def told(shared_lab: Lab) -> dict[str, object]:
    return shared_lab.load(CRAWLER).value("reachable")


def test_what_a_plugin_reaches_of_javascript_is_on_the_list(told: dict[str, object]) -> None:
    assert told["found"] == known(), "a road that is new, or one that is gone: see the list"


def test_the_ways_to_import_javascript_are_gone(told: dict[str, object]) -> None:
    imported = told["imported"]
    assert isinstance(imported, dict)
    assert [imported[name] for name in HIDDEN] == ["ModuleNotFoundError"] * len(HIDDEN)


def test_control_a_module_of_javascripts_is_found(serve: Serve, open_lab: Callable[[LabServer], Lab]) -> None:
    """A variant gives its plugin such a module, as what a new Pyodide would leave there."""
    found = open_lab(serve(ESCAPED)).load(CRAWLER).value("reachable")["found"]
    assert sorted(set(found) - set(known())) == ["lab object"]
