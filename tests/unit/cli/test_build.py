"""`pysandbox build` writes one verified bundle, or nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.core.bundle import read_bundle
from tests.unit.core.make_wheel import make_wheel
from tests.unit.gateway.fake_plugin import write_plugin

NAME = "com.vendor.risk-scoring-2.1.0.zip"


def _build(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["build", *args])
    return result.exit_code, result.stdout, result.stderr


def test_the_bundle_is_named_by_id_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plugin(tmp_path / "plugin")
    monkeypatch.chdir(tmp_path)
    code, out, _ = _build("plugin")
    assert code == 0
    assert out.startswith(f"{NAME}  ")
    assert read_bundle((tmp_path / NAME).read_bytes()).keys() == {"manifest.json", "plugin.py"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "plugin"]


def test_a_build_inside_the_folder_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_plugin(tmp_path))
    _build(".")
    first = (tmp_path / NAME).read_bytes()
    _build(".")
    assert (tmp_path / NAME).read_bytes() == first


def test_the_output_may_be_a_file_or_a_folder(tmp_path: Path) -> None:
    plugin = str(write_plugin(tmp_path / "plugin"))
    (tmp_path / "out").mkdir()
    assert _build(plugin, "-o", str(tmp_path / "out"))[0] == 0
    assert _build(plugin, "-o", str(tmp_path / "mine.zip"))[0] == 0
    assert (tmp_path / "mine.zip").read_bytes() == (tmp_path / "out" / NAME).read_bytes()


def test_a_bad_folder_is_not_built(tmp_path: Path) -> None:
    write_plugin(tmp_path / "plugin")
    (tmp_path / "plugin" / "plugin.py").unlink()
    code, out, err = _build(str(tmp_path / "plugin"), "-o", str(tmp_path / "x.zip"))
    assert (code, out) == (1, "")
    assert "$.manifest.entry" in err
    assert not (tmp_path / "x.zip").exists()


def test_a_place_that_cannot_be_written_is_wrong_use(tmp_path: Path) -> None:
    code, _, err = _build(str(write_plugin(tmp_path)), "-o", str(tmp_path / "none" / "x.zip"))
    assert code == 2
    assert "cannot be written" in err


def test_the_report_says_what_weighs_how_much(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "plugin")
    wheel = make_wheel({"demo.py": b"x = 1\n"})
    (plugin / "wheels").mkdir()
    (plugin / "wheels" / "demo-1.0-py3-none-any.whl").write_bytes(wheel)
    target = tmp_path / "mine.zip"
    code, out, _ = _build(str(plugin), "-o", str(target), "--json")
    told = json.loads(out)
    assert code == 0
    assert told == {
        "ok": True, "path": str(target), "bytes": target.stat().st_size,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "files": {name: (plugin / name).stat().st_size for name in ("manifest.json", "plugin.py")},
        "wheels": {"wheels/demo-1.0-py3-none-any.whl": {
            "bytes": len(wheel), "sha256": hashlib.sha256(wheel).hexdigest()}}}
    assert f"demo-1.0-py3-none-any.whl  {len(wheel)} B" in _build(str(plugin), "-o", str(target))[1]


def test_there_must_be_something_to_lock(tmp_path: Path) -> None:
    code, _, said = _build(str(write_plugin(tmp_path)), "--lock")
    assert code == 2
    assert "requirements.txt cannot be read" in said.replace("\n", "")
