"""Makes ``snapshot.bin``: an interpreter that has already imported what every start needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pysandbox.runtime.interpreter import HERE, SHUT
from pysandbox.runtime.tools import ROOT, run_deno

PAGES = 480  # what a fresh interpreter needs; a snapshot whose heap grew does not restore
PACKAGES = ("core", "host", "plugin")
LEFT_OUT = ("core/reference.py", "core/flow/reference.py", "core/flow/schema.py", "core/flow/diagram.py",
            "core/flow/layout.py")
# What every start needs, what plugins commonly import, and what those load late (`_strptime`, codecs): a module that is
# not here comes with the library, which is sent only to plugins that name it. Each costs a few kB of snapshot.
MODULES = (
    "asyncio", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html", "io", "itertools", "json", "math",
    "operator", "pathlib", "pprint", "random", "re", "secrets", "statistics", "string", "textwrap", "time", "traceback",
    "typing", "unicodedata", "urllib.parse", "uuid", "zipfile",
    "_pylong", "_strptime", "_threading_local",
    *(f"encodings.{name}" for name in (
        "ascii", "base64_codec", "cp437", "cp1250", "cp1251", "cp1252", "hex_codec", "idna", "iso8859_1", "iso8859_15",
        "iso8859_2", "koi8_r", "latin_1", "punycode", "unicode_escape", "utf_16", "utf_16_be", "utf_16_le", "utf_32",
        "utf_8_sig")),
    "pysandbox.host.boot", "pysandbox.plugin", "pysandbox.plugin.boot", "pysandbox.plugin.ui",
)  # fmt: skip


def python_sources() -> dict[str, str]:
    """Our Python that runs in the browser: path below the import root to text."""
    package = ROOT / "pysandbox"
    files = [package / "__init__.py", *(path for name in PACKAGES for path in sorted((package / name).rglob("*.py")))]
    return {
        str(path.relative_to(ROOT)): path.read_text() for path in files
        if str(path.relative_to(package)) not in LEFT_OUT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``packed``: `snapshot.bin`. ``modules``: the names of all that is imported in it."""

    packed: bytes
    modules: frozenset[str]


def make_snapshot(pyodide: Path, work: Path, stdlib: Path) -> Snapshot:
    """Import everything and take the heap. Runs without network: importing is running.

    ``work`` holds the glue, and the wasm with its constants and without, as it ships; ``stdlib`` has the whole library,
    not only what ships.
    """
    out = work / "snapshot.bin"
    job = work / "snapshot.json"
    job.write_text(json.dumps({
        "loader": str(pyodide / "pyodide.mjs"), "glue": str(work / "glue.mjs"), "stdlib": str(stdlib),
        "wasm": str(work / "pyodide.asm.wasm"), "bare": str(work / "bare.wasm"), "sources": python_sources(),
        "modules": MODULES, "pages": PAGES, "out": str(out),
    }))  # fmt: skip
    readable = ",".join(str(path) for path in (pyodide, work, HERE, ROOT / "worker"))
    script = HERE / "deno" / "snapshot.ts"
    said = run_deno([*SHUT, f"--allow-read={readable}", f"--allow-write={out}", str(script), str(job)])
    return Snapshot(out.read_bytes(), frozenset(json.loads(said)["modules"]))
