"""Precompressed copies: whole, the same each time, and the slow ones made once."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from pysandbox.runtime.compress import compress_all

brotli = pytest.importorskip("brotli", reason="an extra: only a build needs it")
FILES = {"a.js": b"let a = 1;\n" * 500, "snapshot.bin": bytes(range(256)) * 64}


def test_both_forms_of_each_file_give_it_back(tmp_path: Path) -> None:
    packed = compress_all(FILES, tmp_path)
    assert sorted(packed) == ["a.js.br", "a.js.gz", "snapshot.bin.br", "snapshot.bin.gz"]
    for name, data in FILES.items():
        assert brotli.decompress(packed[f"{name}.br"]) == data
        assert gzip.decompress(packed[f"{name}.gz"]) == data
        assert len(packed[f"{name}.br"]) < len(data)


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    assert compress_all(FILES, tmp_path / "one") == compress_all(FILES, tmp_path / "two")


def test_gzip_holds_no_time_of_day(tmp_path: Path) -> None:
    assert compress_all(FILES, tmp_path)["a.js.gz"][4:8] == bytes(4)


def test_what_is_remembered_is_not_made_again(tmp_path: Path) -> None:
    compress_all(FILES, tmp_path)
    for kept in tmp_path.iterdir():
        kept.write_bytes(b"remembered")
    assert compress_all(FILES, tmp_path)["a.js.br"] == b"remembered"


def test_what_no_build_has_used_for_long_is_forgotten(tmp_path: Path) -> None:
    compress_all(FILES, tmp_path)
    long_ago = time.time() - 15 * 24 * 3600
    for kept in tmp_path.iterdir():
        os.utime(kept, (long_ago, long_ago))
    compress_all({"a.js": FILES["a.js"]}, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
