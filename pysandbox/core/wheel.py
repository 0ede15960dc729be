"""What is wrong with a wheel before it goes into a bundle: bombs, paths, lies in RECORD, compiled code, stolen names.

Pure: bytes in, faults out. The bytes come from an index or a vendor's folder, so nothing is unpacked that was not
bounded first, and no code of the wheel runs. Must not know: requirements, folders, bundles.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pysandbox.core.bundle import MAX_BUNDLE_BYTES, name_fault

MAX_WHEEL_FILES: Final = 5000
MAX_UNPACKED_BYTES: Final = 4 * MAX_BUNDLE_BYTES
MAX_RATIO: Final = 100
"""Source and tables pack to a fifth or a tenth; what unfolds a hundredfold was made to."""
RATIO_COUNTS_FROM_BYTES: Final = 1024 * 1024

PURE: Final = "Plugins are pure Python: take another package or version."
_ANOTHER: Final = "Take another version, and tell whoever publishes it."
_COMPILED_NAME: Final = re.compile(r"\.(so|pyd|dylib|dll|a|wasm)(\.[0-9.]+)?$", re.IGNORECASE)
_COMPILED_MAGIC: Final = (b"\0asm", b"\x7fELF")
_WHEEL_NAME: Final = re.compile(r"[^-/]+-[^-/]+(-[0-9][^-/]*)?-[^-/]+-none-any\.whl")
# Python gave these up before the version in the sandbox: there a wheel that brings one back hides nothing.
_GONE: Final = frozenset((
    "aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr", "imp",
    "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau",
    "telnetlib", "uu", "xdrlib"))
_TAKEN: Final = (sys.stdlib_module_names - _GONE) | {
    "pysandbox", "pyodide", "pyodide_js", "_pyodide", "js", "sitecustomize", "usercustomize"}
_RECORD: Final = re.compile(r"[^/]+\.dist-info/RECORD")
_UNHASHED: Final = ("RECORD", "RECORD.jws", "RECORD.p7s")

Fault = tuple[str, str]
"""The rule that is broken, and the cure."""


def is_compiled(name: str, content: bytes) -> bool:
    """Whether a file is a library for some machine: by its name, or by how it begins."""
    return bool(_COMPILED_NAME.search(name)) or content.startswith(_COMPILED_MAGIC)


def wheel_faults(file_name: str, data: bytes) -> list[Fault]:
    """Everything that keeps this wheel out of a bundle; none for a pure-Python wheel that is what it says."""
    if not _WHEEL_NAME.fullmatch(file_name):
        return [(f"holds compiled code (its name: {file_name[:120]})", PURE)]
    if len(data) > MAX_BUNDLE_BYTES:
        return [(f"has {len(data)} bytes, more than a bundle may ({MAX_BUNDLE_BYTES})", "Take a smaller package.")]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Its contents are read only when their size and number are bearable.
            return list(_size_faults(archive.infolist(), len(data))) or [
                *_name_faults(archive.infolist()), *_content_faults(archive)]
    # What zipfile raises for hostile input: its own error, and those of the parts that it does not guard.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError,
            RuntimeError) as error:
        return [(f"holds compiled code or nothing: it is no wheel at all ({type(error).__name__})", PURE)]


def _size_faults(infos: list[zipfile.ZipInfo], packed_bytes: int) -> Iterator[Fault]:
    unpacked_bytes = sum(info.file_size for info in infos)
    if len(infos) > MAX_WHEEL_FILES:
        yield f"is a bomb: {len(infos)} files, more than {MAX_WHEEL_FILES}", _ANOTHER
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        yield f"is a bomb: it unpacks to {unpacked_bytes} bytes, more than {MAX_UNPACKED_BYTES}", _ANOTHER
    elif unpacked_bytes > RATIO_COUNTS_FROM_BYTES and unpacked_bytes > MAX_RATIO * packed_bytes:
        yield f"is a bomb: {packed_bytes} bytes unpack to {unpacked_bytes}", _ANOTHER


def _name_faults(infos: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    names = [info.filename for info in infos]
    for info in infos:
        if fault := name_fault(info.orig_filename.removesuffix("/")):
            yield f"has a file {info.orig_filename[:120]!a}, whose name {fault}", _ANOTHER
        if stat.S_ISLNK(info.external_attr >> 16):
            yield f"has a link: {info.filename!a}", _ANOTHER
        if info.filename.lower().endswith(".pth"):
            yield f"has code for the interpreter's start: {info.filename!a}", "Take a package without .pth files."
    for name, times in Counter(names).items():
        if times > 1:
            yield f"has {name!a} {times} times", _ANOTHER
    for taken in sorted({_module(name) for name in names} & _TAKEN):
        yield f"brings a module {taken!r}, a name of Python or the sandbox", "Take a package that hides none of them."


def _module(name: str) -> str:
    """The top-level module that a file of this name is, or is part of."""
    top, slash, _ = name.partition("/")
    return top if slash else top.partition(".")[0] if top.endswith((".py", ".pyc")) else ""


def _content_faults(archive: zipfile.ZipFile) -> Iterator[Fault]:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    records = [name for name in names if _RECORD.fullmatch(name)]
    told = _told(archive.read(records[0])) if len(records) == 1 else None
    if told is None:
        yield "has no RECORD that can be read", _ANOTHER
    for name in dict.fromkeys(names):
        content = archive.read(name)  # never more than declared, and that was bounded
        if is_compiled(name, content):
            yield f"holds compiled code ({name})", PURE
        if told is not None and not (name.startswith(records[0].removesuffix("RECORD")) and
                                     name.rpartition("/")[2] in _UNHASHED):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if told.get(name) != f"sha256={digest}":
                rule = "is not what RECORD says" if name in told else "is not in RECORD"
                yield f"has a file {name!a} that {rule}", _ANOTHER
    for name in sorted((told or {}).keys() - set(names)):
        yield f"has no file {name!a}, which RECORD names", _ANOTHER


def _told(record: bytes) -> dict[str, str] | None:
    """What a RECORD says: name to hash. None if it is no table, or names a file twice."""
    try:
        rows = [row for row in csv.reader(io.StringIO(record.decode())) if row]
    except (UnicodeDecodeError, csv.Error):
        return None
    if any(len(row) != 3 for row in rows) or len({row[0] for row in rows}) != len(rows):
        return None
    return {row[0]: row[1] for row in rows}
