"""docs/flows.md and examples/flows: what they print and draw is what happens."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from pysandbox.core.flow.check import check_flow, parse_flow
from pysandbox.core.flow.diagram import diagram
from pysandbox.core.flow.explain import explain
from pysandbox.core.flow.journal import dump_journal, parse_journal
from tests.unit.core.flow.places import hangs
from tests.unit.core.flow.test_guide_flow import ran

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "flows.md").read_text("utf-8")
JOURNAL = (ROOT / "examples" / "flows" / "risk-timeout.jsonl").read_text("utf-8")


def block(language: str, text: str) -> str:
    return next(found for found in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if text in found)


def test_the_examples_journal_is_what_such_a_run_writes() -> None:
    _, place = ran(hangs)
    assert dump_journal(place.journal) == JOURNAL


def test_the_journal_is_explained_as_printed() -> None:
    printed = block("text", "invoke_plugin_risk calls").splitlines()
    assert [f"{line.at_ms:>10.1f} ms  {line.text}" for line in explain(parse_journal(JOURNAL))] == printed


def test_the_picture_is_the_one_that_would_be_drawn_today() -> None:
    flow = parse_flow((ROOT / "examples" / "flows" / "risk.json").read_bytes())
    assert (ROOT / "docs" / "flow-run.svg").read_text("utf-8") == diagram(flow, parse_journal(JOURNAL)), (
        "stale: pysandbox flow diagram examples/flows/risk.json --journal examples/flows/risk-timeout.jsonl "
        "-o docs/flow-run.svg")


def test_the_longest_path_is_as_printed() -> None:
    found = check_flow(block("json", '"blocks"'))
    assert found.problems == []
    assert f"  longest path {found.longest and found.longest.ms} of {found.sla_ms} ms\n  {found.longest}\n" in PAGE


def test_the_code_does_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.json").write_text(json.dumps(json.loads(block("json", '"blocks"'))))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(block("python", "run_flow"), "flows.md", "exec"), {})
    assert said.getvalue() == "premium_queue\n"
    assert "```text\npremium_queue\n```" in PAGE
    assert [path.name for path in Path().iterdir()] == ["flow.json"]
