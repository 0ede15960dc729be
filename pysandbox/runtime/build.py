"""``pysandbox runtime build``: the browser bundle, from sources to ``dist/``.

Two builds of one tree are equal byte for byte. Nothing is done where ``dist/`` was made from the same inputs.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pysandbox.core.envelope import PROTOCOL_VERSION
from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.compress import compress_all
from pysandbox.runtime.generate import generated
from pysandbox.runtime.glue import slim_glue
from pysandbox.runtime.interpreter import work_root
from pysandbox.runtime.prune import prune_glue
from pysandbox.runtime.scripts import bundle_scripts, module_users
from pysandbox.runtime.slim import imported_functions, slim_wasm, without_data
from pysandbox.runtime.snapshot import make_snapshot, python_sources
from pysandbox.runtime.stdlib import compile_stdlib, pack_stdlib
from pysandbox.runtime.tools import PYODIDE_VERSION, ROOT, Progress, cache_dir, in_source_tree, pyodide_folder

DIST = Path(__file__).parent / "dist"
SHIPPED_SCRIPTS = ("host_worker.js", "plugin_worker.js", "watchdog.js", "deno_worker.js")
PAGE_SCRIPTS = ("pysandbox", "pysandbox-element")
"""What pages load, each with its types."""
ASSETS = ("pyodide.asm.wasm", "python_stdlib.zip", "snapshot.bin", "host_worker.js", "plugin_worker.js", "watchdog.js")


def build(progress: Progress = print, *, force: bool = False, dist: Path = DIST) -> Path:
    """Build into ``dist`` and return it. Raises SandboxError (``BUILD_FAILED``) with what is missing and the cure."""
    if not in_source_tree():
        return dist
    inputs = digest_of_inputs()
    if not force and _is_current(dist, inputs):
        progress("the browser bundle is up to date")
        return dist
    started = time.monotonic()
    try:
        for target, text in generated().items():
            _write_if_changed(target, text)
        inputs = digest_of_inputs()
        with tempfile.TemporaryDirectory(prefix="runtime-", dir=work_root()) as work:
            files, integrity = _make(progress, Path(work))
        files |= compress_all(files, cache_dir(), progress)
        _publish(files, {**integrity, "inputs": inputs}, dist)
    except OSError as error:
        raise SandboxError(
            Code.BUILD_FAILED, f"{error.filename or dist} cannot be written or read: {error.strerror or error}; the "
            "build needs about 150 MB of disk below the source tree") from error
    progress(f"built {dist.name}/ {integrity['build']} in {time.monotonic() - started:.0f} s")
    return dist


def _make(progress: Progress, work: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Every file that ships, uncompressed, and the integrity record of all of them."""
    pyodide = pyodide_folder(progress)
    compiled = compile_stdlib(pyodide / "python_stdlib.zip", progress)
    glue, wasm = _make_interpreter(pyodide, work, progress)
    progress("bundling the scripts")
    scripts = bundle_scripts(pyodide, glue, work)
    progress("starting the interpreter and taking its snapshot")
    whole = work / "python_stdlib.zip"
    whole.write_bytes(compiled)
    snapshot = make_snapshot(pyodide, work, whole)
    files = {
        "pyodide.asm.wasm": wasm,
        "python_stdlib.zip": pack_stdlib(compiled, in_snapshot=snapshot.modules),
        "snapshot.bin": snapshot.packed,
        **{name: scripts[name].encode() for name in SHIPPED_SCRIPTS},
    }
    modules = {"inSnapshot": sorted(snapshot.modules), "inLibrary": _top_level(files["python_stdlib.zip"])}
    return files, {**_entry_files(files, scripts), "modules": modules}


def _make_interpreter(pyodide: Path, work: Path, progress: Progress) -> tuple[str, bytes]:
    """Glue and wasm, each cut to what the other uses of it; ``work`` gets the wasm, and that with its constants."""
    users = module_users(pyodide)
    slim = slim_glue((pyodide / "pyodide.asm.mjs").read_text(), users)
    wasm = slim_wasm(pyodide / "pyodide.asm.wasm", slim.exports, work, progress)
    (work / "pyodide.asm.wasm").write_bytes(wasm)
    (work / "bare.wasm").write_bytes(bare := without_data(wasm))
    return prune_glue(slim.text, imported_functions(wasm), users, work, progress), bare


def _top_level(library: bytes) -> list[str]:
    """The names that can be imported from the shipped standard library."""
    with zipfile.ZipFile(io.BytesIO(library)) as archive:
        return sorted({name.split("/")[0].removesuffix(".pyc").removesuffix(".py") for name in archive.namelist()})


def digest_of_inputs() -> str:
    """SHA-256 over every file that the bundle is made from."""
    digest = hashlib.sha256()
    own = ROOT / "pysandbox" / "runtime"
    here = [path for pattern in ("*.py", "*.ts", "*.lock") for path in sorted(own.rglob(pattern))]
    web = [path for pattern in ("web/*.ts", "web/*.html", "worker/*.ts") for path in sorted(ROOT.glob(pattern))]
    for path in [*here, *web, ROOT / "deno.lock"]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    for name, text in sorted(python_sources().items()):
        digest.update(f"{name}\0".encode() + hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


def _is_current(dist: Path, inputs: str) -> bool:
    try:
        known = cast(Mapping[str, Any], json.loads((dist / "integrity.json").read_text()))
    except (OSError, ValueError):
        return False  # nothing built, or half of it: build
    return known.get("inputs") == inputs and all((dist / name).exists() for name in known["files"])


def _entry_files(files: dict[str, bytes], scripts: dict[str, str]) -> dict[str, Any]:
    """Add the entry files, whose scripts carry the assets' hashes; the integrity record of all of them."""
    sha256 = {name: hashlib.sha256(files[name]).hexdigest() for name in ASSETS}
    cell_script = scripts["cell.js"].strip()
    cell_html = (ROOT / "web" / "cell.html").read_text().replace("__PYSANDBOX_SCRIPT_HASH__", _csp_hash(cell_script))
    files["cell.html"] = cell_html.replace("__PYSANDBOX_SCRIPT__", cell_script).encode()
    known = json.dumps([
        sha256, _csp_hash(cell_script), scripts["host.js"], *(scripts[f"{entry}.js"] for entry in PAGE_SCRIPTS)])
    build_id = hashlib.sha256(known.encode()).hexdigest()[:16]
    assets = json.dumps({"build": build_id, "sha256": sha256})
    host_script = scripts["host.js"].strip().replace("__PYSANDBOX_BUILD__", f"({assets})")
    files["host.html"] = (ROOT / "web" / "host.html").read_text().replace("__PYSANDBOX_SCRIPT__", host_script).encode()
    for entry in PAGE_SCRIPTS:
        files[f"{entry}.js"] = scripts[f"{entry}.js"].encode()
        files[f"{entry}.d.ts"] = (ROOT / "web" / f"{entry}.d.ts").read_bytes()
    return {
        "build": build_id, "protocol": PROTOCOL_VERSION, "pyodide": PYODIDE_VERSION,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in sorted(files.items())
        },
        "csp": {"hostScript": _csp_hash(host_script), "cellScript": _csp_hash(cell_script)},
    }  # fmt: skip


def _csp_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _publish(files: Mapping[str, bytes], integrity: Mapping[str, Any], dist: Path) -> None:
    """Write beside, then swap: a build that was interrupted leaves the old bundle whole."""
    dist.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{dist.name}-", dir=dist.parent, ignore_cleanup_errors=True) as beside:
        fresh, old = Path(beside) / "new", Path(beside) / "old"
        fresh.mkdir()
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        (fresh / "integrity.json").write_text(json.dumps(integrity, indent=1, sort_keys=True) + "\n")
        if dist.exists():
            dist.rename(old)
        fresh.rename(dist)
