"""What a plugin's process starts from: the same interpreter, snapshot and library as in a browser."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

from pysandbox.core.errors import Code, SandboxError

DEFAULT_DIST: Final = Path(__file__).parent.parent / "runtime" / "dist"
SCRIPT: Final = "deno_worker.js"


@dataclass(frozen=True, slots=True)
class Assets:
    """Read once, each file checked against the record of its build."""

    script: Path
    wasm: bytes
    snapshot: bytes
    library: bytes


@lru_cache(maxsize=2)
def load_assets(dist: Path = DEFAULT_DIST) -> Assets:
    """Raises SandboxError ``RUNTIME_MISSING``."""
    try:
        known = cast(dict[str, Any], json.loads((dist / "integrity.json").read_text()))["files"]
        wasm, snapshot, library, _ = (
            _checked(dist / name, known[name]["sha256"])
            for name in ("pyodide.asm.wasm", "snapshot.bin", "python_stdlib.zip", SCRIPT))
    except (OSError, ValueError, KeyError) as error:
        raise SandboxError(
            Code.RUNTIME_MISSING, f"{dist} is no runtime that a process can start from ({error!r}); in a source tree "
            "make it with: pysandbox runtime build") from error
    return Assets(dist / SCRIPT, wasm, snapshot, library)


def _checked(path: Path, sha256: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is not the file of its build")
    return content
