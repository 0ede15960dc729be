"""Makes ``snapshot.bin``: an interpreter that has already imported what every start needs."""

from __future__ import annotations

import json
from pathlib import Path

from pysandbox.runtime.tools import ROOT, run_deno

PAGES = 480  # what a fresh interpreter needs; a snapshot whose heap grew does not restore
PACKAGES = ("core", "host", "plugin")
LEFT_OUT = ("core/reference.py",)
# What every start needs, and what plugins commonly import: each costs a few kB here and milliseconds there.
MODULES = (
    "asyncio", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum",
    "functools", "hashlib", "heapq", "hmac", "html", "io", "itertools", "json", "math", "operator", "pathlib", "random",
    "re", "statistics", "string", "textwrap", "time", "traceback", "typing", "unicodedata", "uuid", "zipfile",
    "pysandbox.host.boot", "pysandbox.plugin", "pysandbox.plugin.boot",
)  # fmt: skip


def python_sources() -> dict[str, str]:
    """Our Python that runs in the browser: path below the import root to text."""
    package = ROOT / "pysandbox"
    files = [package / "__init__.py", *(path for name in PACKAGES for path in sorted((package / name).rglob("*.py")))]
    return {
        str(path.relative_to(ROOT)): path.read_text() for path in files
        if str(path.relative_to(package)) not in LEFT_OUT}  # fmt: skip


def make_snapshot(pyodide: Path, stdlib: Path, work: Path) -> bytes:
    """The packed snapshot. Runs without network: importing is running."""
    out = work / "snapshot.bin"
    job = work / "snapshot.json"
    job.write_text(json.dumps({
        "pyodideDir": str(pyodide), "stdlib": str(stdlib), "wasm": str(pyodide / "pyodide.asm.wasm"),
        "sources": python_sources(), "modules": MODULES, "pages": PAGES, "out": str(out),
    }))  # fmt: skip
    run_deno(["run", "--quiet", "--no-prompt", "--no-remote", "--no-npm", "--cached-only", "--allow-env",
              "--allow-read", f"--allow-write={out}", "pysandbox/runtime/deno/snapshot.ts", str(job)])  # fmt: skip
    return out.read_bytes()
