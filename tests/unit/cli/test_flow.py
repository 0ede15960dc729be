"""`pysandbox flow`: faults with their cures, the longest path, journals told, replayed and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.core.errors import Code
from pysandbox.core.flow.journal import dump_journal
from tests.unit.core.flow.places import fails
from tests.unit.core.flow.test_guide_flow import DATA, PRINTED, completed, ran

EXAMPLES = Path(__file__).parents[3] / "examples" / "flows"


def _flow(*args: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["flow", *args], input=stdin)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A flow and the journal of a run of it that took the fallback."""
    _, place = ran(fails(Code.PLUGIN_KILLED, after_ms=842))
    (tmp_path / "flow.json").write_text(json.dumps(completed()))
    (tmp_path / "run.jsonl").write_text(dump_journal(place.journal))
    return str(tmp_path / "flow.json"), str(tmp_path / "run.jsonl")


def test_the_guides_flow_as_printed_has_one_fault() -> None:
    code, out, _ = _flow("check", str(EXAMPLES / "guide.json"))
    assert code == 1
    assert out.count("✗") == 1
    assert '$.blocks[0].onSuccess  there is no block "route_to_premium_queue"' in out
    assert out.endswith("1 problem\n")
    assert json.loads((EXAMPLES / "guide.json").read_text()) == PRINTED


def test_completed_it_is_ok_and_its_longest_path_is_printed() -> None:
    code, out, _ = _flow("check", str(EXAMPLES / "risk.json"))
    assert code == 0
    assert "longest path 2500 of 5000 ms" in out
    assert out.endswith("ok\n")
    assert json.loads((EXAMPLES / "risk.json").read_text()) == completed()


def test_from_stdin_as_json() -> None:
    code, out, _ = _flow("check", "-", "--json", stdin=json.dumps(completed()))
    found = json.loads(out)
    assert (code, found["ok"], found["problems"], found["longestPath"]["ms"]) == (0, True, [], 2500)
    code, out, _ = _flow("check", "-", "--json", stdin="{")
    assert (code, json.loads(out)["problems"][0]["path"]) == (1, "$")


def test_a_called_flow_is_looked_at_too(tmp_path: Path) -> None:
    night = tmp_path / "night.json"
    night.write_text(json.dumps(completed()))
    caller = {"blocks": [
        {"id": "on", "type": "callFlow", "flowId": "night", "timeout": 2000, "onError": "end"},
        {"id": "end", "type": "disconnect"}]}
    code, out, _ = _flow("check", "-", "--json", "--flow", str(night), stdin=json.dumps(caller))
    assert (code, [problem["path"] for problem in json.loads(out)["problems"]]) == (1, ["$.blocks[0].timeout"])


def test_a_run_is_explained_step_by_step(files: tuple[str, str]) -> None:
    code, out, _ = _flow("explain", files[1])
    assert code == 0
    assert "842.0 ms  invoke_plugin_risk ended as killed PLUGIN_KILLED" in out
    assert "ended in fallback_to_standard_queue: queue default_support_queue" in out
    code, out, _ = _flow("explain", files[1], "--json")
    assert [step["trouble"] for step in json.loads(out)["steps"]] == [False, False, True, False]


def test_a_run_is_replayed(files: tuple[str, str]) -> None:
    code, out, _ = _flow("replay", *files)
    assert (code, out) == (0, "ok 4 events, each the same; it ended in fallback_to_standard_queue\n")
    assert json.loads(_flow("replay", *files, "--json")[1]) == {"ok": True, "events": 4, "ended": True}


def test_a_journal_of_another_flow_is_refused(files: tuple[str, str]) -> None:
    other = json.dumps({**completed(), "slaMs": 4000})
    code, out, err = _flow("replay", "-", files[1], stdin=other)
    assert (code, out) == (1, "")
    assert "JOURNAL_INVALID" in err


def test_a_run_is_drawn(files: tuple[str, str], tmp_path: Path) -> None:
    target = tmp_path / "run.svg"
    assert _flow("diagram", files[0], "--journal", files[1], "-o", str(target))[0] == 0
    assert "edge taken" in target.read_text()
    plain = _flow("diagram", files[0])[1]
    assert plain.startswith("<svg")
    assert 'class="edge taken"' not in plain


def test_the_schema_is_the_one_in_the_docs() -> None:
    assert _flow("schema")[1] == (EXAMPLES.parents[1] / "docs" / "flow.schema.json").read_text()


@pytest.mark.parametrize("args", [
    ("check", "none.json"), ("explain", "none.jsonl"), ("diagram", "none.json"), ("replay", "none.json", "none.jsonl")])
def test_a_file_that_is_not_there_is_wrong_use(args: tuple[str, ...]) -> None:
    code, out, err = _flow(*args)
    assert (code, out) == (2, "")
    assert "cannot be read" in err


@pytest.mark.parametrize("text", ["", "[]", "{}\n", '{"n":0}\nx', "\x00", '{"n":0,"atMs":0,"event":"flowStarted"}'])
def test_a_journal_that_is_none_is_a_coded_error_or_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text(text)
    code, _, err = _flow("explain", str(tmp_path / "run.jsonl"))
    assert code == 0 or "JOURNAL_INVALID" in err
    code, _, err = _flow("replay", str(EXAMPLES / "risk.json"), str(tmp_path / "run.jsonl"))
    assert code == 1
    assert "JOURNAL_INVALID" in err


def test_no_text_of_a_journal_steers_the_terminal(tmp_path: Path) -> None:
    event = {"n": 0, "atMs": 0, "event": "blockEnded", "block": "\x1b[2J", "branch": "next", "to": "[red]"}
    (tmp_path / "run.jsonl").write_text(json.dumps(event))
    out = _flow("explain", str(tmp_path / "run.jsonl"))[1]
    assert "\x1b" not in out
    assert "[red]" in out


# --- try ---
def test_a_flow_is_tried_with_stand_ins(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(json.dumps(DATA))
    (tmp_path / "answers.json").write_text('{"com.vendor.risk-scoring": {"score": 3}}')
    args = ("try", str(EXAMPLES / "risk.json"), "--input", str(tmp_path / "in.json"), "--answers",
            str(tmp_path / "answers.json"), "--journal", str(tmp_path / "run.jsonl"))  # fmt: skip
    code, out, err = _flow(*args)
    assert (code, err) == (0, "")
    assert out.startswith("route_to_premium_queue  queue premium_queue  ")
    assert '"value":{"score":3}' in (tmp_path / "run.jsonl").read_text()
    assert json.loads(_flow(*args, "--json")[1])["block"] == "route_to_premium_queue"


def test_with_chaos_each_fallback_is_reported_with_its_window(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(json.dumps(DATA))
    code, out, err = _flow(
        "try", str(EXAMPLES / "risk.json"), "--input", str(tmp_path / "in.json"), "--chaos", "crash=1,seed=7")
    assert code == 0
    assert '"pluginFailureReason": "PLUGIN_KILLED"' in out
    assert "chaos crash=1,seed=7\n" in err
    assert "window invoke_plugin_risk onError → fallback_to_standard_queue (PLUGIN_KILLED)" in err
    assert "inside its window of 2550 ms" in err


@pytest.mark.parametrize(("args", "code", "said"), [
    (("guide.json",), 1, "FLOW_INVALID"), (("risk.json", "--chaos", "drop=1"), 2, "is no fault"),
    (("risk.json", "--input", "guide.json"), 2, "a flow is started with"),
    (("risk.json", "--input", "none.json"), 2, "cannot be read"),
    (("risk.json", "--journal", "none/run.jsonl"), 2, "cannot be written")])
def test_what_cannot_be_tried_is_said(
    args: tuple[str, ...], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES)
    found = _flow("try", *args)
    assert found[0] == code
    assert said in found[2]


def test_a_flow_that_is_not_valid_is_not_run() -> None:
    plugin = str(EXAMPLES.parent / "risk_scoring")
    code, _, err = _flow("run", str(EXAMPLES / "guide.json"), "--plugins", plugin)
    assert code == 1
    assert "route_to_premium_queue" in err
