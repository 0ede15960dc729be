"""A mistake in a hand-written file is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.json_files import read_json_file


def _write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "input.json"
    path.write_bytes(data)
    return path


def test_a_good_file_gives_its_value_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_json_file(_write(tmp_path, b'{"a": [1, null]}')) == {"a": [1, None]}
    assert read_json_file(_write(tmp_path, b"\xef\xbb\xbf[1]")) == [1]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b'{\n  "a": 1,\n  b\n}', "line 3, column 3"),
     (b"", "line 1, column 1"),
     (b'{"a": 1\n', "line 2, column 1"),
     (b'{"\xc3\xa9": "\n\xff"}', "line 2, column 1"),
     (b'{"a": 1, "a": 2}', "duplicate"),
     (b"[NaN]", "finite"),
     (b"[" * 10_000, "deeper than"),
     (b"1" * 20, "larger than 19 bytes")])
def test_a_mistake_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    path = _write(tmp_path, data)
    with pytest.raises(SandboxError, match=message) as caught:
        read_json_file(path, max_bytes=19 if b"1111" in data else 1_000_000)
    assert caught.value.code == Code.INPUT_INVALID
    assert str(path) in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"none\.json cannot be read: No such file"):
        read_json_file(tmp_path / "none.json")
