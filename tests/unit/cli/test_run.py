"""`pysandbox run`: wrong use ends with 2 and says why; what reaches the sandbox ends in one outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli import browser_run
from pysandbox.cli.app import app
from pysandbox.cli.browser_run import Call, Report
from pysandbox.core.chaos import Chaos
from pysandbox.gateway.folder import Resolver, refuse_requirements
from pysandbox.testing import browsers
from tests.unit.gateway.fake_plugin import write_plugin

OK = {
    "status": "ok", "value": {"score": 0.5, "name": "é\u2028\x1b"}, "correlationId": "c", "durationMs": 12.34,
    "memory": {"bytes": 31_000_000, "peakBytes": 32_000_000, "source": "allocator"}, "generation": 1}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    (tmp_path / "input.json").write_text('{"customerId": "c-1"}')
    return write_plugin(tmp_path / "plugin")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find_browser", lambda engine: Path(f"/nowhere/{engine}"))


def _run(plugin: Path, *args: str) -> tuple[int, str, str]:
    given = ["run", str(plugin), "--call", "evaluate", "--input", str(plugin.parent / "input.json"), *args]
    result = CliRunner().invoke(app, given)
    return result.exit_code, result.stdout, result.stderr


def _reporting(
    monkeypatch: pytest.MonkeyPatch, report: Report, faults: list[Chaos | None] | None = None
) -> list[Call]:
    """Stands in for the browser: what it is called with is kept, what it answers is given."""
    calls: list[Call] = []
    faults = [] if faults is None else faults

    def run_in_browser(
        call: Call, _launch: object, *, dist: Path | None, resolve: Resolver, chaos: Chaos | None
    ) -> Report:
        assert dist is None
        faults.append(chaos)
        assert resolve is not refuse_requirements
        calls.append(call)
        return report

    monkeypatch.setattr(browser_run, "run_in_browser", run_in_browser)
    return calls


@pytest.mark.parametrize(
    ("text", "why"), [("{\n  oops\n}", "line 2, column 3"), ("", "line 1, column 1"), ('{"a":1,"a":2}', "duplicate")])
def test_an_input_that_is_no_json_is_wrong_use_and_names_the_place(plugin: Path, text: str, why: str) -> None:
    (plugin.parent / "input.json").write_text(text)
    code, out, err = _run(plugin)
    assert (code, out) == (2, "")
    assert why in err
    assert "input.json" in err


def test_a_missing_input_is_wrong_use(plugin: Path) -> None:
    (plugin.parent / "input.json").unlink()
    code, _, err = _run(plugin)
    assert code == 2
    assert "No such file" in err


def test_bad_capabilities_are_wrong_use(plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text("[]")
    code, _, err = _run(plugin, "--capabilities", str(tmp_path / "answers.json"))
    assert code == 2
    assert "must hold an object" in err


@pytest.mark.parametrize("args", [["--engine", "netscape"], ["--timeout-ms", "0"], ["--timeout-ms", "soon"], ["--no"]])
def test_unknown_settings_are_wrong_use(plugin: Path, args: list[str]) -> None:
    assert _run(plugin, *args)[0] == 2


def test_chaos_is_for_browsers(plugin: Path) -> None:
    code, _, err = _run(plugin, "--engine", "deno", "--chaos", "hang=1")
    assert code == 2
    assert "browsers only" in err


def test_without_a_browser_the_command_that_mends_it_is_named(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find_browser", lambda _engine: None)
    monkeypatch.setattr(browsers, "cure", lambda engine: f"apt-get install {engine}")
    code, out, err = _run(plugin, "--engine", "firefox", "--json")
    assert (code, out) == (2, "")
    assert "no firefox on this machine; mend it with: apt-get install firefox" in err


@pytest.mark.usefixtures("browser")
def test_without_a_browser_bundle_the_command_that_builds_it_is_named(plugin: Path, tmp_path: Path) -> None:
    code, out, err = _run(plugin, "--dist", str(tmp_path), "--json")
    assert (code, out) == (2, "")
    assert "pysandbox runtime build" in err


@pytest.mark.usefixtures("browser")
def test_json_is_exactly_one_line_whatever_the_plugin_returned(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reporting(monkeypatch, Report(OK, logs=[{"level": "info", "message": "hello"}], alerts=[{"code": "X"}]))
    code, out, err = _run(plugin, "--json")
    assert code == 0
    assert len(out.splitlines()) == 1
    assert json.loads(out) == OK
    assert "log info hello" in err
    assert '"code": "X"' in err


@pytest.mark.usefixtures("browser")
def test_people_see_status_value_and_figures_without_control_characters(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reporting(monkeypatch, Report(OK))
    code, out, _ = _run(plugin)
    assert code == 0
    assert out.splitlines()[0] == "ok  evaluate  12.3 ms · 31.0 MB in use"
    assert '"score": 0.5' in out
    assert "é" in out
    assert "\x1b" not in out
    assert "\u2028" not in out


@pytest.mark.usefixtures("browser")
def test_any_other_outcome_ends_with_1_and_says_why(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"code": "PLUGIN_TIMEOUT", "message": "too slow [red]\x1b[2J", "retryable": True}
    _reporting(monkeypatch, Report({**OK, "status": "timeout", "layer": "hard", "error": error}))
    code, out, _ = _run(plugin)
    assert code == 1
    assert "timeout  evaluate" in out
    assert "ended by the hard deadline" in out
    assert "PLUGIN_TIMEOUT too slow [red]\\u001b[2J" in out
    assert _run(plugin, "--json")[0] == 1


@pytest.mark.usefixtures("browser")
def test_a_plugins_text_cannot_pass_for_a_line_of_ours(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = "window the outcome came after 1 ms, inside its window of 3250 ms"
    error = {"code": "PLUGIN_ERROR", "message": f"no\n{forged}", "retryable": False}
    log = {"level": "info", "message": f"a line\n{forged}", "fields": {}}
    _reporting(monkeypatch, Report({**OK, "status": "error", "error": error}, logs=[log]))
    _, out, notes = _run(plugin)
    assert forged in out
    assert forged in notes
    assert [line for line in (out + notes).splitlines() if line.startswith("window")] == []


@pytest.mark.usefixtures("browser")
def test_the_call_carries_input_capabilities_and_deadline(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _reporting(monkeypatch, Report(OK))
    (plugin / "capabilities.json").write_text('{"webchat:session:read": {"tier": "gold"}}')
    (plugin.parent / "other.json").write_text('{"webchat:session:read": 1}')
    _run(plugin)
    _run(plugin, "--timeout-ms", "250", "--capabilities", str(plugin.parent / "other.json"))
    assert calls == [
        Call(plugin, "evaluate", {"customerId": "c-1"}, {"webchat:session:read": {"tier": "gold"}}, None),
        Call(plugin, "evaluate", {"customerId": "c-1"}, {"webchat:session:read": 1}, 250)]


@pytest.mark.usefixtures("browser")
def test_a_bad_manifest_is_an_outcome_that_lists_every_problem(plugin: Path) -> None:
    (plugin / "manifest.json").write_text('{"pluginId": "x", "version": "y", "manifest": {}}')
    code, out, _ = _run(plugin, "--json")
    outcome = json.loads(out)
    assert code == 1
    assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "MANIFEST_INVALID")
    assert {"$.pluginId", "$.version"} <= {problem["path"] for problem in outcome["error"]["details"]}
    shown = _run(plugin)[1]
    assert "$.pluginId" in shown
    assert "→" in shown


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize(("elapsed_ms", "word"), [(1099.6, "inside"), (1250.0, "inside"), (1251.0, "OUTSIDE")])
def test_chaos_reaches_the_sandbox_and_the_window_is_judged(
    plugin: Path, monkeypatch: pytest.MonkeyPatch, elapsed_ms: float, word: str
) -> None:
    faults: list[Chaos | None] = []
    _reporting(monkeypatch, Report(OK, elapsed_ms=elapsed_ms, window_ms=1250), faults)
    code, out, err = _run(plugin, "--json", "--chaos", "latency=20-80,drop=0.1,hang=.05,seed=7")
    assert (code, len(out.splitlines())) == (0, 1)
    assert faults == [Chaos((20, 80), 0.1, 0.05, 7)]
    assert "chaos latency=20-80,drop=0.1,hang=0.05,seed=7" in err
    assert f"after {elapsed_ms:.0f} ms, {word} its window of 1250 ms" in err


@pytest.mark.usefixtures("browser")
def test_a_seed_that_was_not_given_is_drawn_and_told(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Chaos | None] = []
    _reporting(monkeypatch, Report(OK), faults)
    _, _, err = _run(plugin, "--chaos", "drop=1")
    [fault] = faults
    assert fault is not None
    assert fault.seed is not None
    assert f"chaos drop=1,seed={fault.seed}" in err
    assert "the call was not made" in err


@pytest.mark.usefixtures("browser")
def test_without_chaos_nothing_is_said_of_it(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Chaos | None] = []
    _reporting(monkeypatch, Report(OK, elapsed_ms=1, window_ms=2), faults)
    _, _, err = _run(plugin)
    assert faults == [None]
    assert "chaos" not in err
    assert "window" not in err


def test_chaos_that_is_none_is_wrong_use_with_every_problem(plugin: Path) -> None:
    code, out, err = _run(plugin, "--chaos", "latency=fast,drop=2,crash=1")
    assert (code, out) == (2, "")
    for part in ("--chaos latency", "'fast'", "--chaos drop", "'2'", "'crash=1' is no fault", "such as drop=0.1"):
        assert part in err
