"""``pysandbox run --engine deno``: one JSON line, as with a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app

RISK = Path(__file__).parents[3] / "examples" / "risk_scoring"


@pytest.mark.parametrize(("handler", "status", "code"), [("evaluate", "ok", 0), ("nothing", "error", 1)])
def test_a_run_prints_one_outcome(handler: str, status: str, code: int) -> None:
    done = CliRunner().invoke(app, [
        "run", str(RISK), "--call", handler, "--input", str(RISK / "input.json"), "--engine", "deno", "--json"])
    assert done.exit_code == code, done.stderr
    assert json.loads(done.stdout)["status"] == status
