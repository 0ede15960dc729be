"""Publishing a build: whole or not at all, and nothing done for what is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime import build as module
from pysandbox.runtime.build import build, digest_of_inputs


def current(dist: Path) -> Path:
    dist.mkdir()
    (dist / "a.js").write_text("1")
    (dist / "integrity.json").write_text(json.dumps({"inputs": digest_of_inputs(), "files": {"a.js": {}}}))
    return dist


def test_a_bundle_of_these_sources_is_left_alone(tmp_path: Path) -> None:
    said: list[str] = []
    assert build(said.append, dist=current(tmp_path / "dist")) == tmp_path / "dist"
    assert said == ["the browser bundle is up to date"]


@pytest.mark.parametrize("spoil", [
    lambda dist: (dist / "a.js").unlink(),
    lambda dist: (dist / "integrity.json").write_text("{"),
    lambda dist: (dist / "integrity.json").unlink(),
    lambda dist: (dist / "integrity.json").write_text(json.dumps({"inputs": "of other sources", "files": {}})),
])  # fmt: skip
def test_half_a_bundle_or_one_of_other_sources_is_not(tmp_path: Path, spoil: object) -> None:
    dist = current(tmp_path / "dist")
    spoil(dist)  # type: ignore[operator]
    assert not module._is_current(dist, digest_of_inputs())


def test_the_new_bundle_takes_the_place_of_the_old_as_a_whole(tmp_path: Path) -> None:
    dist = current(tmp_path / "dist")
    module._publish({"b.js": b"2"}, {"build": "1"}, dist)
    assert sorted(path.name for path in dist.iterdir()) == ["b.js", "integrity.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_folder_that_cannot_be_written_is_a_coded_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PYSANDBOX_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(module, "work_root", lambda: tmp_path / "missing")
    with pytest.raises(SandboxError, match="150 MB") as caught:
        build(lambda _: None, force=True, dist=tmp_path / "dist")
    assert caught.value.code == Code.BUILD_FAILED


def test_the_digest_is_of_what_ships_alone() -> None:
    assert digest_of_inputs() == digest_of_inputs()
    assert len(digest_of_inputs()) == 64
