"""The standard library as it ships: byte-compiled, without what can work in no worker, and without what the snapshot
holds already.

Byte-code is larger than source to send (0.5 MB more for the whole library) and three times as fast to import; what
`LEFT_OUT` and the snapshot save is more than that.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from pysandbox.runtime.interpreter import HERE, run_inside
from pysandbox.runtime.tools import Progress, cache_dir, keep, silent
from pysandbox.runtime.wheels import LOCK

COMPILERS: Final = ("packaging", "platformdirs", "rich", "markdown-it-py", "mdurl", "pygments", "pyodide-build")
# -OO: no docstrings, no assertions of the library's own. Plugins' code is compiled as it stands.
# The epoch gives every .pyc the same header, whenever it was made.
COMPILE_ENV: Final = {"PYTHONOPTIMIZE": "2", "SOURCE_DATE_EPOCH": "315532800"}
FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)

# Why it is left out, and what: patterns of paths in the library without their ending. docs/runtime-build.md has this.
LEFT_OUT: Final[dict[str, tuple[str, ...]]] = {
    "terminals and debuggers; nobody sits at one": (
        "_pyrepl/*", "bdb", "pdb", "cmd", "code", "rlcompleter", "pty", "tty", "pyodide/console", "asyncio/__main__",
        "asyncio/tools", "turtle*", "webbrowser", "antigravity", "this", "__hello__", "__phello__/*",
    ),
    "tools for developers": (
        "compileall", "doctest", "modulefinder", "pickletools", "profile", "cProfile", "pstats", "pyclbr", "pydoc",
        "pydoc_data/*", "tabnanny", "trace", "zipapp", "unittest/__main__", "ensurepip/*", "idlelib/*", "lib2to3/*",
        "venv/*", "tkinter/*", "curses/*", "dbm/*",
    ),
    "sockets, fetch and the page, which a plugin has not": (
        "ftplib", "http/server", "imaplib", "mailbox", "poplib", "smtplib", "wsgiref/*", "xmlrpc/*",
        "pyodide/_nodesock_transport", "pyodide/ffi/wrappers", "pyodide/http/*",
    ),
    "processes and threads; what does not even import there": (
        "concurrent/futures/interpreter", "concurrent/interpreters/*", "multiprocessing/forkserver",
        "multiprocessing/heap", "multiprocessing/managers", "multiprocessing/popen_*",
        "multiprocessing/resource_tracker", "multiprocessing/shared_memory", "multiprocessing/sharedctypes",
        "multiprocessing/synchronize",
    ),
    "other platforms": (
        "asyncio/proactor_events", "asyncio/windows_*", "ctypes/macholib/*", "encodings/_win_cp_codecs",
        "encodings/mbcs", "encodings/oem", "nturl2path",
    ),
    "second copies in Python of what is there in C": ("_pydatetime", "_py_abc", "_pyio"),
    "code pages of mainframes, DOS and old Macs": (
        "encodings/cp037", "encodings/cp273", "encodings/cp424", "encodings/cp500", "encodings/cp720",
        "encodings/cp737", "encodings/cp775", "encodings/cp855", "encodings/cp856", "encodings/cp857",
        "encodings/cp858", "encodings/cp86[0-5]", "encodings/cp869", "encodings/cp875", "encodings/cp1006",
        "encodings/cp1026", "encodings/cp1125", "encodings/cp1140", "encodings/hp_roman8", "encodings/kz1048",
        "encodings/mac_[!r]*", "encodings/mac_romanian", "encodings/palmos", "encodings/ptcp154",
    ),
}  # fmt: skip


def compile_stdlib(source: Path, progress: Progress = silent) -> bytes:
    """The library of ``source`` (a zip) with every module byte-compiled; remembered by what it is made from."""
    parts = (source, LOCK, HERE / "inside" / "compile_archive.py", HERE / "deno" / "python.ts")
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in parts]
    key = hashlib.sha256(repr((hashes, COMPILERS, COMPILE_ENV)).encode()).hexdigest()
    kept = cache_dir() / f"{key}.stdlib.zip"
    if not kept.exists():
        progress("byte-compiling the standard library inside Pyodide (once)")
        answer = run_inside("compile_archive.py", {"archives": ["/job/stdlib.zip"]}, wheels=COMPILERS, env=COMPILE_ENV,
                            files={"/job/stdlib.zip": source})  # fmt: skip
        keep(kept, answer.files["stdlib.zip"])
    return kept.read_bytes()


def pack_stdlib(compiled: bytes, *, in_snapshot: Collection[str] = ()) -> bytes:
    """What ships of it: stored, for brotli to see the content, sorted, dated alike. ``in_snapshot``: module names."""
    held = {name.replace(".", "/") for name in in_snapshot}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(compiled)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            stem, ending = name.rsplit(".", 1) if "." in name else (name, "")
            if ending == "pyc" and not is_left_out(stem) and stem.removesuffix("/__init__") not in held:
                new.writestr(zipfile.ZipInfo(name, FIXED_DATE), old.read(name))
    return out.getvalue()


def is_left_out(stem: str) -> bool:
    """Whether the module at this path (``http/server``) is not shipped."""
    return any(fnmatch.fnmatchcase(stem, pattern) for patterns in LEFT_OUT.values() for pattern in patterns)
