"""`pysandbox check` lists everything, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app
from tests.unit.gateway.fake_plugin import MANIFEST, write_plugin


def _check(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *args])
    return result.exit_code, result.stdout, result.stderr


def _with_csp(folder: Path, source: str) -> Path:
    write_plugin(folder)
    text = json.dumps(MANIFEST).replace("script-src 'none'", f"script-src {source}")
    (folder / "manifest.json").write_text(text)
    return folder


def test_the_guides_manifest_passes(tmp_path: Path) -> None:
    code, out, _ = _check(str(write_plugin(tmp_path)))
    assert code == 0
    assert "com.vendor.risk-scoring 2.1.0" in out
    assert "webchat:session:read, integration:proxy:invoke" in out
    assert out.endswith("ok\n")


def test_a_good_folder_as_json(tmp_path: Path) -> None:
    code, out, _ = _check(str(write_plugin(tmp_path)), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["ok"] is True
    assert (found["pluginId"], found["version"], found["entry"]) == ("com.vendor.risk-scoring", "2.1.0", "plugin")
    assert set(found["files"]) == {"manifest.json", "plugin.py"}
    assert found["problems"] == []


@pytest.mark.parametrize("source", ["'unsafe-eval'", "'unsafe-inline'"])
def test_an_unsafe_source_fails_with_place_rule_and_cure(tmp_path: Path, source: str) -> None:
    code, out, _ = _check(str(_with_csp(tmp_path, source)), "--json")
    found = json.loads(out)
    assert code == 1
    assert [problem["path"] for problem in found["problems"]] == ["$.manifest.csp"]
    assert source in found["problems"][0]["rule"]
    assert found["problems"][0]["cure"]


def test_all_problems_are_shown_at_once_with_their_cures(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "version": "two", "pluginId": "x", "more": 1}))
    code, out, _ = _check(str(tmp_path))
    assert code == 1
    assert all(place in out for place in ("$.version", "$.pluginId", "$.more", "→", "3 problems"))


@pytest.mark.parametrize("name", ["none", "file.txt"])
def test_what_is_no_folder_is_wrong_use(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").touch()
    code, out, err = _check(str(tmp_path / name))
    assert (code, out) == (2, "")
    assert "DIR" in err
    assert _check()[0] == 2


def test_a_file_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    write_plugin(tmp_path)
    (tmp_path / "a\x1b[2Jb:[red].py").touch()
    out = _check(str(tmp_path))[1]
    assert "\x1b" not in out
    assert "[red].py" in out
