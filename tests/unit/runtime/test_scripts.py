"""Every script that ships has its source, and all that reach into the interpreter are known."""

from __future__ import annotations

from pathlib import Path

from pysandbox.runtime.scripts import SCRIPTS, module_users
from pysandbox.runtime.tools import ROOT


def test_every_script_has_its_source() -> None:
    for source, _ in SCRIPTS.values():
        assert (ROOT / source).is_file()


def test_who_reaches_into_the_interpreter_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyodide.mjs").write_text("the loader")
    texts = module_users(tmp_path)
    assert texts[0] == "the loader"
    assert {name for name in ("_mallinfo", "makeMemorySnapshot") if any(name in text for text in texts)} == {
        "_mallinfo", "makeMemorySnapshot"}  # fmt: skip
