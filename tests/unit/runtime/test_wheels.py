"""The build's wheels: only the locked bytes, and nothing half-right is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime import wheels
from pysandbox.runtime.interpreter import HERE
from pysandbox.runtime.wheels import LOCK, read_lock, wheel_paths

DATA = b"a wheel"
LINE = f"some-thing==1.2 --hash=sha256:{hashlib.sha256(DATA).hexdigest()}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lock = tmp_path / "wheels.lock"
    lock.write_text(f"# why\n\n{LINE}")
    monkeypatch.setattr(wheels, "LOCK", lock)
    (tmp_path / "some_thing-1.2-py3-none-any.whl").write_bytes(DATA)
    return tmp_path


def test_a_locked_wheel_is_found(folder: Path) -> None:
    assert wheel_paths(["some-thing"], folder) == [folder / "some_thing-1.2-py3-none-any.whl"]


def test_other_bytes_are_refused_and_removed(folder: Path) -> None:
    path = folder / "some_thing-1.2-py3-none-any.whl"
    path.write_bytes(b"another wheel")
    with pytest.raises(SandboxError, match="run this again") as caught:
        wheel_paths(["some-thing"], folder)
    assert caught.value.code == Code.BUILD_FAILED
    assert not path.exists()


@pytest.mark.parametrize("line", ["some-thing==1.2", "some-thing>=1 --hash=sha256:" + "a" * 64, "--index-url https://x"])
def test_the_lock_holds_pinned_hashed_names_alone(line: str) -> None:
    with pytest.raises(SandboxError, match=r"NAME==VERSION --hash"):
        read_lock(line)


def test_our_own_lock_holds_what_the_build_asks_for() -> None:
    assert LOCK.parent == HERE
    assert {"micropip", "pyodide-build", "pytest"} <= read_lock(LOCK.read_text()).keys()
    assert "://" not in LOCK.read_text()
