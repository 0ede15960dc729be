"""The standard library that ships: what is left out is on the list, what is in the snapshot is not sent twice."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from pysandbox.runtime.stdlib import FIXED_DATE, LEFT_OUT, is_left_out, pack_stdlib
from pysandbox.runtime.tools import ROOT


def library(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"code of {name}")
    return out.getvalue()


def names_in(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


def test_modules_of_the_snapshot_are_not_sent_twice_but_their_submodules_are() -> None:
    packed = pack_stdlib(
        library("json/__init__.pyc", "json/tool.pyc", "csv.pyc", "re/__init__.pyc"), in_snapshot={"json", "csv"})
    assert names_in(packed) == ["json/tool.pyc", "re/__init__.pyc"]


def test_what_no_worker_can_use_is_left_out() -> None:
    assert names_in(pack_stdlib(library("pdb.pyc", "http/server.pyc", "http/client.pyc"))) == ["http/client.pyc"]


def test_it_is_sorted_stored_and_dated_alike_whatever_it_was_made_from() -> None:
    packed = pack_stdlib(library("b.pyc", "a.pyc", "lib/"))
    assert packed == pack_stdlib(library("a.pyc", "b.pyc"))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["a.pyc", "b.pyc"]
    assert all(info.compress_type == zipfile.ZIP_STORED and info.date_time == FIXED_DATE for info in infos)


@pytest.mark.parametrize("stem", [
    "encodings/cp1252", "encodings/cp437", "encodings/koi8_r", "encodings/mac_roman", "encodings/shift_jis",
    "multiprocessing/__init__", "concurrent/futures/thread", "socket", "ssl", "getpass", "http/client", "unittest/mock",
    "zoneinfo/__init__", "sqlite3/__init__", "pickle", "asyncio/unix_events", "codeop", "traceback", "tracemalloc",
])  # fmt: skip
def test_what_is_kept(stem: str) -> None:
    assert not is_left_out(stem)


@pytest.mark.parametrize("stem", ["_pyrepl/console", "encodings/cp864", "encodings/mac_romanian", "bdb"])
def test_what_is_not(stem: str) -> None:
    assert is_left_out(stem)


def test_the_documentation_lists_what_is_left_out_and_why() -> None:
    text = (ROOT / "docs" / "runtime-build.md").read_text()
    for why, patterns in LEFT_OUT.items():
        assert why in text
        row = next(line for line in text.splitlines() if line.startswith(f"| {why}"))
        assert re.findall(r"`([^`]+)`", row) == list(patterns)
