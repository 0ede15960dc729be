"""A plugin's bundle: a small zip whose ``bundle.json`` holds the SHA-256 of every other entry.

Pure: bytes in, bytes out. It runs at the gateway, in the command line and in the plugin's worker, so it must not
know files, folders or the network. Reading assumes that the bytes come from an attacker: sizes are bounded before
anything is unpacked, and every fault ends in a coded error.

    build_bundle({"plugin.py": b"..."})  ->  zip bytes, the same for the same input (names sorted, dates fixed)
    read_bundle(zip bytes, max_bytes=…)  ->  {"plugin.py": b"..."}, every hash verified
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.limits import default

FORMAT: Final = 1
INDEX_NAME: Final = "bundle.json"
MAX_FILES: Final = 1000
MAX_NAME_BYTES: Final = 240
MAX_BUNDLE_BYTES: Final = default("bundleBytes")
"""What one plugin may weigh, packed and unpacked alike. Callers may pass less to `read_bundle`."""

_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the zip format's zero: a bundle says nothing of when it was made
_REGULAR_FILE: Final = 0o100000
_END: Final = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE 4.3.16
_CENTRAL_HEADER_BYTES: Final = 46
# One entry of the index is a name (each byte at most six characters of JSON), a hash and some punctuation.
_MAX_INDEX_BYTES: Final = 64 + MAX_FILES * (MAX_NAME_BYTES * 6 + 80)


def build_bundle(files: Mapping[str, bytes]) -> bytes:
    """Pack ``files`` (name to content). Raises `SandboxError` ``BUNDLE_INVALID`` for a bad name or too much."""
    names = sorted(files)
    _check_names(names)
    if INDEX_NAME in files:
        raise _invalid(f"{INDEX_NAME} is written by the build; rename yours")
    if len(files) > MAX_FILES:
        raise _invalid(f"it has {len(files)} files, {MAX_FILES} are allowed")
    total_bytes = sum(len(content) for content in files.values())
    if total_bytes > MAX_BUNDLE_BYTES:
        raise _invalid(f"the files hold {total_bytes} bytes, {MAX_BUNDLE_BYTES} are allowed")
    index = {"format": FORMAT, "files": {name: hashlib.sha256(files[name]).hexdigest() for name in names}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, INDEX_NAME, json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode())
        for name in names:
            _add(archive, name, files[name])
    return out.getvalue()


def read_bundle(data: bytes, *, max_bytes: int = MAX_BUNDLE_BYTES) -> dict[str, bytes]:
    """Unpack a bundle and verify it: name to content, without the index.

    ``max_bytes`` bounds the bundle and, apart, the sum of what it unpacks to. Raises `SandboxError`:
    ``BUNDLE_INVALID`` for what is no bundle of ours, ``BUNDLE_TAMPERED`` for content that is not what the index says.
    """
    if len(data) > max_bytes:
        raise _invalid(f"it has {len(data)} bytes, {max_bytes} are allowed")
    _check_shape(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = _unpack(archive, max_bytes)
    # What zipfile raises for hostile input: its own error, and those of the parts that it does not guard.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise _invalid("it is not a readable zip file") from error
    index = _read_index(entries.pop(INDEX_NAME, None))
    _verify(entries, index)
    return entries


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system = 3  # Unix, on whatever system the build runs
    info.external_attr = (_REGULAR_FILE | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content, compresslevel=9)


def _check_shape(data: bytes) -> None:
    """Bound the directory before zipfile reads it: it makes an object per entry, whatever their number."""
    if len(data) < _END.size:
        raise _invalid("it is not a zip file")
    mark, disk, start_disk, here, count, directory_bytes, offset, comment = _END.unpack(data[-_END.size :])
    if mark != b"PK\5\6" or comment or disk or start_disk or here != count:
        raise _invalid("it does not end as a plain zip file does")
    if data[-_END.size - 20 : -_END.size].startswith(b"PK\6\7"):
        raise _invalid("it is a zip64 file")
    if offset + directory_bytes + _END.size != len(data):
        raise _invalid("it has bytes that belong to no entry")
    if count > MAX_FILES + 1 or directory_bytes > (MAX_FILES + 1) * (_CENTRAL_HEADER_BYTES + MAX_NAME_BYTES):
        raise _invalid(f"it has more than {MAX_FILES} files")


def _unpack(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > MAX_FILES + 1:
        raise _invalid(f"it has more than {MAX_FILES} files")
    _check_names([info.filename for info in infos])
    for info in infos:
        _check_entry(info)
    declared_bytes = {info.filename: info.file_size for info in infos}
    if declared_bytes.pop(INDEX_NAME, 0) > _MAX_INDEX_BYTES:
        raise _invalid(f"its {INDEX_NAME} is too large")
    if sum(declared_bytes.values()) > max_bytes:
        raise _invalid(f"it unpacks to more than {max_bytes} bytes")
    entries: dict[str, bytes] = {}
    for info in infos:
        with archive.open(info) as stream:
            content = stream.read(info.file_size + 1)  # never more than declared
        if len(content) != info.file_size:
            raise _invalid(f"{info.filename!r} has another size than it declares")
        entries[info.filename] = content
    return entries


def _check_entry(info: zipfile.ZipInfo) -> None:
    if info.orig_filename != info.filename:  # zipfile cuts a name at its first NUL
        raise _invalid(f"{info.orig_filename!r} is not a file name")
    if (info.external_attr >> 16) & 0o170000 not in (0, _REGULAR_FILE):
        raise _invalid(f"{info.filename!r} is not a regular file")
    if info.flag_bits & 0x1:
        raise _invalid(f"{info.filename!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _invalid(f"{info.filename!r} is compressed by a method other than deflate")


def _read_index(raw: bytes | None) -> dict[str, str]:
    if raw is None:
        raise _invalid(f"it has no {INDEX_NAME}")
    try:
        index = strict_json.loads(raw.decode(), max_chars=_MAX_INDEX_BYTES, max_depth=3, max_keys=MAX_FILES)
    except (SandboxError, UnicodeDecodeError) as error:
        raise _invalid(f"its {INDEX_NAME} is not the JSON it should be") from error
    if not isinstance(index, dict) or index.keys() != {"format", "files"}:
        raise _invalid(f"its {INDEX_NAME} must have exactly the keys format and files")
    parts = cast(dict[str, object], index)
    if type(parts["format"]) is not int or parts["format"] != FORMAT:
        raise _invalid(f"its format is not {FORMAT}: build it again with this version of pysandbox")
    files = parts["files"]
    if not isinstance(files, dict):
        raise _invalid(f"files in its {INDEX_NAME} must be an object")
    hashes: dict[str, str] = {}
    for name, digest in cast(dict[str, object], files).items():
        if not isinstance(digest, str):
            raise _invalid(f"the hash of {name!r} in its {INDEX_NAME} must be a string")
        hashes[name] = digest
    return hashes


def _verify(entries: Mapping[str, bytes], index: Mapping[str, str]) -> None:
    if odd := sorted(entries.keys() ^ index.keys()):
        raise SandboxError(Code.BUNDLE_TAMPERED, f"the bundle and its index disagree about {odd[0]!r}")
    for name, content in entries.items():
        if hashlib.sha256(content).hexdigest() != index[name]:
            raise SandboxError(Code.BUNDLE_TAMPERED, f"the content of {name!r} is not what the bundle's index says")


def _check_names(names: Iterable[str]) -> None:
    """Refuse every name that is not a plain relative path, that comes twice, or that is a file and a folder at once."""
    seen: set[str] = set()
    folders: set[str] = set()
    for name in names:
        if fault := name_fault(name):
            raise _invalid(f"the name {name[:80]!r} {fault}")
        if name in seen:
            raise _invalid(f"the name {name!r} comes twice")
        seen.add(name)
        parts = name.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    if both := seen & folders:
        raise _invalid(f"{min(both)!r} is a file and a folder at once")


def name_fault(name: str) -> str:
    """What is wrong with a file's name in a bundle ("" when nothing is)."""
    if not name.isprintable():  # also: NUL, newlines, lone surrogates, direction marks
        return "has characters that cannot be printed"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    if "\\" in name or ":" in name:
        return "has a backslash or a colon"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "is not a plain relative path"
    return ""


def _invalid(why: str) -> SandboxError:
    return SandboxError(Code.BUNDLE_INVALID, f"the bundle is invalid: {why}")
