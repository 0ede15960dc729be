"""A bundle unpacks to exactly what went in, or to a coded error: never to anything else."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core import bundle
from pysandbox.core.bundle import build_bundle, read_bundle
from pysandbox.core.errors import Code, SandboxError

FILES = {"manifest.json": b"{}", "plugin.py": b"print('hi')\n" * 50, "data/coefficients.json": b"[1,2,3]"}
names = st.from_regex(r"[a-z]{1,8}(/[a-zé]{1,8}){0,2}\.(py|json)", fullmatch=True)


def _index(files: dict[str, bytes]) -> bytes:
    return json.dumps({"format": 1, "files": {n: hashlib.sha256(c).hexdigest() for n, c in files.items()}}).encode()


def _zip(entries: list[tuple[str, bytes]], change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    """A zip made without our own builder, so that it can hold what the builder refuses."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None and name != "bundle.json":
                change(info)
            archive.writestr(info, content)
    return out.getvalue()


def _with_index(files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    return _zip([("bundle.json", _index(files)), *files.items()], change)


def _code(data: bytes, *, max_bytes: int = 1_000_000) -> Code:
    with pytest.raises(SandboxError) as caught:
        read_bundle(data, max_bytes=max_bytes)
    return caught.value.code


def _files_or_code(data: bytes) -> dict[str, bytes] | Code:
    try:
        return read_bundle(data, max_bytes=1_000_000)
    except SandboxError as error:
        return error.code


@given(st.dictionaries(names, st.binary(max_size=200), max_size=8))
def test_what_is_built_reads_back_exactly(files: dict[str, bytes]) -> None:
    folders = {name.rsplit("/", depth)[0] for name in files for depth in (1, 2)} - files.keys()
    if any(name in folders for name in files):
        return
    assert read_bundle(build_bundle(files)) == files


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    backwards = dict(reversed(FILES.items()))
    assert build_bundle(FILES) == build_bundle(backwards)


def test_the_index_holds_the_hash_of_each_entry() -> None:
    with zipfile.ZipFile(io.BytesIO(build_bundle(FILES))) as archive:
        index = json.loads(archive.read("bundle.json"))
    assert index == {"format": 1, "files": {n: hashlib.sha256(c).hexdigest() for n, c in FILES.items()}}


@given(st.binary(max_size=400))
def test_any_bytes_give_a_coded_error(data: bytes) -> None:
    assert _code(data) in (Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_flipped_byte_never_yields_other_content(position: int, flip: int) -> None:
    changed = bytearray(build_bundle(FILES))
    changed[position % len(changed)] ^= flip
    # Some bytes mean nothing, such as a date: then the content is the same.
    assert _files_or_code(bytes(changed)) in (FILES, Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED)


@given(st.integers(0, 3000), st.binary(max_size=40), st.integers(0, 40))
def test_spliced_bytes_give_the_files_or_a_coded_error(position: int, patch: bytes, cut: int) -> None:
    good = build_bundle(FILES)
    at = position % len(good)
    spliced = good[:at] + patch + good[at + cut :]
    assert _files_or_code(spliced) in (FILES, Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED)


def test_changed_content_is_tampering_and_names_the_file() -> None:
    data = _zip([("bundle.json", _index(FILES)), *({**FILES, "plugin.py": b"evil()"}).items()])
    with pytest.raises(SandboxError, match=r"plugin\.py") as caught:
        read_bundle(data, max_bytes=1_000_000)
    assert caught.value.code == Code.BUNDLE_TAMPERED


def test_a_file_the_index_does_not_know_is_tampering() -> None:
    assert _code(_zip([("bundle.json", _index(FILES)), *FILES.items(), ("extra.py", b"")])) == Code.BUNDLE_TAMPERED


def test_a_file_missing_from_the_bundle_is_tampering() -> None:
    assert _code(_zip([("bundle.json", _index(FILES)), ("plugin.py", FILES["plugin.py"])])) == Code.BUNDLE_TAMPERED


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/passwd", "a/../b.py", "a//b.py", "./a.py", "a\\b.py", "C:a.py", "folder/", "a\nb.py",
             "\u202eyp.py", "x" * 241, ""])
def test_a_name_that_is_no_plain_relative_path_is_refused(name: str) -> None:
    assert _code(_with_index({name: b"x"})) == Code.BUNDLE_INVALID
    with pytest.raises(SandboxError) as caught:
        build_bundle({name: b"x"})
    assert caught.value.code == Code.BUNDLE_INVALID


def test_a_name_with_a_nul_is_refused() -> None:
    data = _with_index({"plugin.pyX": b"x"}).replace(b"plugin.pyX", b"plugin.py\0")
    assert _code(data) == Code.BUNDLE_INVALID


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused() -> None:
    data = _zip([("bundle.json", _index({"plugin.py": b"b"})), ("plugin.py", b"a"), ("plugin.py", b"b")])
    assert _code(data) == Code.BUNDLE_INVALID


def test_a_name_that_is_file_and_folder_is_refused() -> None:
    assert _code(_with_index({"a": b"", "a/b.py": b""})) == Code.BUNDLE_INVALID


def test_a_symbolic_link_is_refused() -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert _code(_with_index({"plugin.py": b"/etc/passwd"}, link)) == Code.BUNDLE_INVALID


def test_another_compression_is_refused() -> None:
    def lzma(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_LZMA

    assert _code(_with_index({"plugin.py": b"x" * 1000}, lzma)) == Code.BUNDLE_INVALID


def test_an_encrypted_entry_is_refused() -> None:
    good = _with_index({"plugin.py": b"x"})
    data = bytearray(good)
    data[good.rindex(b"PK\3\4") + 6] |= 1
    data[good.rindex(b"PK\1\2") + 8] |= 1
    with pytest.raises(SandboxError, match="encrypted"):
        read_bundle(bytes(data), max_bytes=1_000_000)


def test_a_zip_bomb_is_refused_by_its_declared_size() -> None:
    data = _with_index({"zeros.bin": b"\0" * 5_000_000})
    assert len(data) < 10_000
    assert _code(data, max_bytes=1_000_000) == Code.BUNDLE_INVALID


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    honest = _with_index({"zeros.bin": b"\0" * 5_000_000})
    lying = honest.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    assert _code(lying, max_bytes=1_000_000) == Code.BUNDLE_INVALID


def test_a_bundle_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(SandboxError, match="100 are allowed"):
        read_bundle(build_bundle(FILES) + b"\0" * 100, max_bytes=100)


def test_too_many_files_are_refused_on_both_sides() -> None:
    many = {f"f{number}.py": b"" for number in range(bundle.MAX_FILES + 1)}
    with pytest.raises(SandboxError, match="1001 files"):
        build_bundle(many)
    with pytest.raises(SandboxError, match="more than 1000 files"):
        read_bundle(_with_index({**many, "g.py": b""}), max_bytes=10_000_000)


def test_the_most_files_allowed_are_read() -> None:
    most = {f"f{number}.py": b"" for number in range(bundle.MAX_FILES)}
    assert read_bundle(build_bundle(most)) == most


def test_too_much_content_is_refused_by_the_build() -> None:
    with pytest.raises(SandboxError, match="bytes"):
        build_bundle({"big.bin": bytes(bundle.MAX_BUNDLE_BYTES + 1)})


def test_bytes_before_or_after_the_zip_are_refused() -> None:
    good = build_bundle(FILES)
    assert _code(b"#!/bin/sh\n" + good) == Code.BUNDLE_INVALID
    assert _code(good + b"tail") == Code.BUNDLE_INVALID


def test_a_zip_with_a_comment_is_refused() -> None:
    out = io.BytesIO(_with_index(FILES))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(SandboxError, match="does not end as a plain zip"):
        read_bundle(out.getvalue(), max_bytes=1_000_000)


def test_a_zip64_directory_is_refused_because_its_bounds_stand_elsewhere() -> None:
    good = _with_index(FILES)
    body, end = good[:-22], good[-22:]
    count, directory_bytes, offset = struct.unpack("<HLL", end[10:20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, directory_bytes, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    # The plain end counts the zip64 records as part of the directory, so that nothing is left over.
    end = end[:12] + struct.pack("<L", directory_bytes + len(record) + len(locator)) + end[16:]
    data = body + record + locator + end
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == count
    with pytest.raises(SandboxError, match="zip64"):
        read_bundle(data, max_bytes=1_000_000)


def test_a_directory_of_many_entries_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _with_index({f"f{number}": b"" for number in range(bundle.MAX_FILES + 1)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(SandboxError, match="more than 1000 files"):
        read_bundle(data, max_bytes=10_000_000)


def test_a_directory_that_lies_about_its_count_is_refused() -> None:
    data = _with_index({f"f{number}": b"" for number in range(bundle.MAX_FILES + 1)})
    lying = data[:-14] + struct.pack("<HH", 2, 2) + data[-10:]
    with pytest.raises(SandboxError, match="more than 1000 files"):
        read_bundle(lying, max_bytes=10_000_000)


def test_a_file_that_holds_less_than_it_declares_is_refused() -> None:
    honest = _with_index({"plugin.py": b"x" * 7777})
    lying = honest.replace((7777).to_bytes(4, "little"), (7778).to_bytes(4, "little"))
    with pytest.raises(SandboxError, match="another size"):
        read_bundle(lying, max_bytes=1_000_000)


def test_an_index_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(SandboxError, match="is too large"):
        read_bundle(_zip([("bundle.json", b" " * 3_000_000)]), max_bytes=1_000_000)


def test_the_author_cannot_bring_an_index() -> None:
    with pytest.raises(SandboxError, match="written by the build"):
        build_bundle({"bundle.json": b"{}"})


@pytest.mark.parametrize(
    "index", [b"", b"null", b"[]", b"{}", b'{"format":2,"files":{}}', b'{"format":true,"files":{}}', b"\xff",
              b'{"format":1,"files":[]}', b'{"format":1,"files":{"a":1}}', b'{"format":1,"format":1,"files":{}}',
              b'{"format":1,"files":{},"more":1}', b"[" * 4000])
def test_an_index_of_another_shape_is_refused(index: bytes) -> None:
    assert _code(_zip([("bundle.json", index)])) == Code.BUNDLE_INVALID


def test_a_bundle_without_an_index_is_refused() -> None:
    assert _code(_zip([("plugin.py", b"")])) == Code.BUNDLE_INVALID
