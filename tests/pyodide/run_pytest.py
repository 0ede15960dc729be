"""Runs inside Pyodide: pytest over the files in /suite. Its answer is each test's outcome."""

import os
import sys

import pytest


class Record:
    """Each test's outcome by its id; a failure's text beside."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
        if report.failed:
            self.texts[report.nodeid] = report.longreprtext[-2000:]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "failed"
            self.texts[report.nodeid] = report.longreprtext[-2000:]


async def main(arguments: dict[str, list[str]]) -> dict[str, object]:
    """``{"options": [...]}`` for pytest. Returns the Python's version, pytest's exit code, outcomes and texts."""
    os.chdir("/suite")
    sys.path.insert(0, "/suite")
    record = Record()
    off = [f"-pno:{name}" for name in ("cacheprovider", "faulthandler", "doctest", "debugging")]
    code = pytest.main(["-q", *off, *arguments["options"], "/suite/tests"], plugins=[record])
    return {"python": sys.version, "platform": sys.platform, "code": int(code),
            "outcomes": record.outcomes, "texts": record.texts}  # fmt: skip
