"""``pysandbox run --engine deno``: one JSON line, as with a browser."""

from __future__ import annotations

import json
import re
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
    outcome = json.loads(done.stdout)
    assert outcome["status"] == status
    assert re.fullmatch(r"ps-[0-9a-f]{16}", outcome["correlationId"])


def test_a_flow_runs_over_a_plugin_in_a_process_and_its_journal_is_kept(tmp_path: Path) -> None:
    flows = RISK.parent / "flows"
    done = CliRunner().invoke(app, [
        "flow", "run", str(flows / "risk.json"), "--plugins", str(RISK), "--input", str(flows / "risk-input.json"),
        "--engine", "deno", "--journal", str(tmp_path / "run.jsonl"), "--json"])
    assert done.exit_code == 0, done.stderr
    ran = json.loads(done.stdout)
    assert (ran["ending"]["block"], ran["blocks"][0]["status"]) == ("route_to_premium_queue", "ok")
    replayed = CliRunner().invoke(app, ["flow", "replay", str(flows / "risk.json"), str(tmp_path / "run.jsonl")])
    assert replayed.exit_code == 0, replayed.stderr
