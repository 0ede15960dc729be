"""Any bytes for a bundle: its files, each as its index says, or a coded error; never more than was allowed.

`corpus/bundles.json` holds archives that attackers make (bytes as Latin-1); mutations start from there.
"""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.bundle import FORMAT, INDEX_NAME, build_bundle, name_fault, read_bundle
from pysandbox.core.errors import Code, SandboxError
from tests.fuzz.corpus import as_bytes, examples, kept

MOST_BYTES = 20_000
FILES = {"plugin.py": b"answer = 42\n", "a/b.txt": b"b" * 300}
SEEDS = [build_bundle(FILES), build_bundle({}), *map(as_bytes, examples("bundles"))]
PIECES = st.sampled_from([
    b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\0", b"\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"../",
    b"plugin.py", INDEX_NAME.encode(), struct.pack("<H", 12), struct.pack("<L", 2**31)])
NAMES = st.sampled_from([
    "plugin.py", "a", "a/b", "../a", "/a", "a//b", ".", "a\\b", "c:a", "a\0b", "é", "\u202e", INDEX_NAME, "", "n" * 241,
]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
CONTENTS = st.binary(max_size=60) | st.integers(0, 30_000).map(bytes)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
MODES = st.sampled_from([0o100644, 0, 0o120777, 0o040755, 0o020666])


@st.composite
def spliced(draw: st.DrawFn) -> bytes:
    """One of the corpus, cut and mended: often with its end as it was, because that is looked at first."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        piece = draw(PIECES | st.binary(max_size=4))
        data = data[:start] + piece + data[draw(st.sampled_from([start, start + len(piece), end])):]
    return data


@st.composite
def made(draw: st.DrawFn) -> bytes:
    """An archive of an attacker's own making: any names, methods and modes, and an index that agrees or does not."""
    entries = draw(st.lists(st.tuples(NAMES, CONTENTS, METHODS, MODES), max_size=4))
    hashes = {name: sha256(content).hexdigest() for name, content, _, _ in entries}
    hashes |= draw(st.dictionaries(NAMES, st.just("0" * 64), max_size=1))
    index = draw(st.just({"format": FORMAT, "files": hashes}) | st.sampled_from([None, [], {}, {"files": hashes}]))
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # names that come twice
        for name, content, method, mode in [(INDEX_NAME, json.dumps(index).encode(), 8, 0o100644), *entries]:
            info = zipfile.ZipInfo()
            info.filename = name  # as it is, where the constructor would mend it
            info.compress_type, info.external_attr = method, mode << 16
            archive.writestr(info, content)
    return stream.getvalue()


def attempt(data: bytes) -> dict[str, bytes] | None:
    """The files, or None for what is refused; anything else that is raised fails the test."""
    try:
        return read_bundle(data, max_bytes=MOST_BYTES)
    except SandboxError as error:
        refusal = error
    assert refusal.code in {Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED}
    return None


@kept("bundles", as_bytes)
@given(spliced() | made() | st.binary(max_size=100))
def test_any_bytes_are_a_bundle_whose_files_are_as_indexed_or_a_coded_error(data: bytes) -> None:
    files = attempt(data)
    if files is None:
        return
    assert sum(map(len, files.values())) <= MOST_BYTES
    assert not any(map(name_fault, files))
    index = json.loads(zipfile.ZipFile(io.BytesIO(data)).read(INDEX_NAME))
    assert index == {"format": FORMAT, "files": {name: sha256(content).hexdigest() for name, content in files.items()}}
    assert read_bundle(build_bundle(files)) == files, "what was read can be built again"


@given(st.integers(0, len(SEEDS[0]) - 1), st.integers(1, 255))
def test_no_changed_byte_changes_a_file(at: int, change: int) -> None:
    """A date or a flag may be changed; what a file holds, and what it is called, may not."""
    data = bytearray(SEEDS[0])
    data[at] ^= change
    assert attempt(bytes(data)) in (None, FILES)


def test_the_corpus_is_refused_save_the_controls() -> None:
    refused = [attempt(as_bytes(text)) is None for text in examples("bundles")]
    assert not any(refused[:2]), "one is good, one is good but for the number of its entries"
    assert all(refused[2:])
