"""The unit tests of what runs in the browser, run by Pyodide's own Python.

CPython 3.11 runs them in tests/unit; here the interpreter that ships does. A file that needs more than pytest and the
standard library (Hypothesis, a helper of ours, processes) stays outside.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from pysandbox.runtime.interpreter import run_inside
from pysandbox.runtime.snapshot import LEFT_OUT, python_sources

ROOT = Path(__file__).parents[2]
SUITES = ("core", "plugin", "host")
ALLOWED = {"pytest", "pysandbox", *sys.stdlib_module_names} - {"subprocess", "socket", "multiprocessing"}
WHEELS = ("pytest", "iniconfig", "pluggy", "packaging", "pygments")
CONFIG = "[pytest]\naddopts = --import-mode=importlib --strict-markers\nfilterwarnings = error\n"


def runs_there(path: Path) -> bool:
    """Whether all that the file imports is there."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            realm = name.split(".")[1] if name.startswith("pysandbox.") else ""
            if name.partition(".")[0] not in ALLOWED or realm not in {"", "core", "plugin", "host"}:
                return False
    return True


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("suite")
    config = folder / "pytest.ini"
    config.write_text(CONFIG)
    files = {"/suite/pytest.ini": config}
    suites = [ROOT / "tests" / "unit" / name for name in SUITES]
    tests = [path for suite in suites for path in suite.rglob("test_*.py") if runs_there(path)]
    for path in [*(ROOT / name for name in python_sources()), *(ROOT / "pysandbox" / name for name in LEFT_OUT), *tests,
                 *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.json")]:  # fmt: skip
        files[f"/suite/{path.relative_to(ROOT)}"] = path
    return run_inside(ROOT / "tests" / "pyodide" / "run_pytest.py", {"options": []}, wheels=WHEELS, files=files).value


def test_the_interpreter_is_the_one_that_ships(report: Any) -> None:
    assert report["platform"] == "emscripten"
    assert report["python"].startswith("3.14.")


def test_every_unit_test_of_the_core_passes_there(report: Any) -> None:
    failed = [f"{name}\n{report['texts'].get(name, '')}" for name, how in report["outcomes"].items() if how == "failed"]
    assert not failed, "\n\n".join(failed)
    assert report["code"] == 0


def test_the_core_is_really_among_them(report: Any) -> None:
    files = {name.partition("::")[0].rpartition("/")[2] for name in report["outcomes"]}
    assert {"test_manifest.py", "test_csp.py", "test_strict_json.py", "test_permissions.py", "test_engine.py"} <= files
    assert sum(how == "passed" for how in report["outcomes"].values()) > 300
