"""The interpreter's wasm without what nothing here can call; remembered by what it is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.interpreter import HERE, SHUT
from pysandbox.runtime.tools import BINARYEN, Progress, cache_dir, keep, npm_package, run_deno, silent

_IMPORT_SECTION: Final = 2
_FUNCTION: Final = 0
_DATA_SECTIONS: Final = (11, 12)  # the segments, and their number for code that names one


def slim_wasm(wasm: Path, exports: Collection[str], work: Path, progress: Progress = silent) -> bytes:
    """``wasm`` with these exports alone, and what they and the function table need. Takes about 4 s the first time."""
    script = HERE / "deno" / "slim.ts"
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (wasm, script)]
    key = hashlib.sha256(repr((parts, BINARYEN, sorted(exports))).encode()).hexdigest()
    kept = cache_dir() / f"{key}.slim.wasm"
    if not kept.exists():
        progress("dropping what nothing calls from the interpreter (once)")
        folder, out, job = npm_package(BINARYEN, progress), work / "slim.wasm", work / "slim.json"
        job.write_text(json.dumps({
            "binaryen": str(folder / "index.js"), "wasm": str(wasm), "exports": sorted(exports), "out": str(out)}))
        readable = ",".join(str(path) for path in (folder, wasm, job, HERE))
        run_deno([*SHUT, f"--allow-read={readable}", f"--allow-write={out}", str(script), str(job)])
        keep(kept, out.read_bytes())
    return kept.read_bytes()


def imported_functions(wasm: bytes) -> frozenset[str]:
    """The names of all functions that it imports. A slimmed wasm imports nothing else."""
    names: set[str] = set()
    at = 8  # past magic and version
    while wasm[at] != _IMPORT_SECTION:
        size, body = _leb(wasm, at + 1)
        at = body + size
    count, at = _leb(wasm, _leb(wasm, at + 1)[1])
    for _ in range(count):
        size, at = _leb(wasm, at)  # the module's name
        size, at = _leb(wasm, at + size)
        names.add(wasm[at:at + size].decode())
        if wasm[at + size] != _FUNCTION:
            raise SandboxError(Code.BUILD_FAILED, f"the wasm imports {wasm[at:at + size].decode()}, no function")
        _, at = _leb(wasm, at + size + 1)  # its type
    return frozenset(names)


def without_data(wasm: bytes) -> bytes:
    """The wasm without its data segments: the snapshot brings what they hold. See ``deno/sparse.ts``."""
    kept = [wasm[:8]]
    at = 8
    while at < len(wasm):
        size, body = _leb(wasm, at + 1)
        if wasm[at] not in _DATA_SECTIONS:
            kept.append(wasm[at:body + size])
        at = body + size
    return b"".join(kept)


def _leb(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at ``at``, and where it ends (WebAssembly core spec, 5.2.2)."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return value | data[at] << shift, at + 1
