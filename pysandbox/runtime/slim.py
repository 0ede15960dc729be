"""The interpreter's wasm without what nothing here can call; remembered by what it is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from pysandbox.runtime.interpreter import HERE, SHUT
from pysandbox.runtime.tools import BINARYEN, Progress, cache_dir, npm_package, run_deno, silent


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
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{id(out)}.part")
        partial.write_bytes(out.read_bytes())
        partial.replace(kept)
    return kept.read_bytes()
