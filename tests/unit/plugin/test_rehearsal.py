"""The rehearsal does what taking up a plugin does, and leaves nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pysandbox.plugin import hooks, rehearsal


def test_it_leaves_no_module_no_file_no_path_and_no_handler(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    before = set(sys.modules), sys.path.copy()
    rehearsal.rehearse(folder)
    assert not folder.exists()
    assert sys.path == before[1]
    assert rehearsal.ENTRY not in sys.modules
    assert hooks.current.handlers == {}


def test_it_leaves_nothing_where_it_fails_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stage"
    monkeypatch.setattr(rehearsal, "SOURCE", b"raise ValueError('not today')")
    with pytest.raises(Exception, match="not today"):
        rehearsal.rehearse(folder)
    assert not folder.exists()
    assert str(folder) not in sys.path
