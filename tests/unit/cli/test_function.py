"""``pysandbox function`` before it listens: who may call it must have been said."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app

RISK = str(Path(__file__).parents[3] / "examples" / "risk_scoring")


@pytest.mark.parametrize(("more", "told"), [
    (["--host", "0.0.0.0"], "who may call it?"), (["--token-file", "empty"], "must hold the token"),
])  # fmt: skip
def test_strangers_are_not_let_in_by_oversight(
    more: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").write_text("\n")
    done = CliRunner().invoke(app, ["function", RISK, *more])
    assert done.exit_code == 2
    assert told in done.stderr


def test_what_is_no_plugin_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(b"no zip")
    done = CliRunner().invoke(app, ["function", str(tmp_path / "bundle.zip")])
    assert done.exit_code == 1
    assert "BUNDLE_INVALID" in done.stderr
