"""Finding the build's tools: what is missing is named, with what brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.tools import PYODIDE, ROOT, cache_dir, deno, pyodide_folder, run_deno


def test_without_deno_the_command_that_brings_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"pip install 'pysandbox\[build\]'") as caught:
        deno()
    assert caught.value.code == Code.BUILD_FAILED


def test_a_deno_that_does_not_start_is_a_coded_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "deno"
    broken.write_text("not a program")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SandboxError, match="pip install --force-reinstall deno"):
        run_deno(["--version"])


def test_a_pyodide_of_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "npm" / "registry" / "pyodide" / PYODIDE.version
    folder.mkdir(parents=True)
    for name, _ in PYODIDE.files:
        (folder / name).write_bytes(b"")
    monkeypatch.setenv("DENO_DIR", str(tmp_path))
    with pytest.raises(SandboxError, match=f"remove {folder}"):
        pyodide_folder()


def test_the_cache_is_where_the_environment_says_else_in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSANDBOX_CACHE", "/somewhere")
    assert cache_dir() == Path("/somewhere")
    monkeypatch.delenv("PYSANDBOX_CACHE")
    assert cache_dir() == ROOT / "build" / "cache"
