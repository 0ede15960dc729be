"""``pysandbox runtime build``: the browser bundle, from sources to ``dist/``.

Two builds of one tree are equal byte for byte. Nothing is done where ``dist/`` was made from the same inputs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from pysandbox.core.envelope import PROTOCOL_VERSION
from pysandbox.runtime.compress import compress_all
from pysandbox.runtime.generate import TARGET, protocol_ts
from pysandbox.runtime.scripts import bundle_scripts
from pysandbox.runtime.snapshot import make_snapshot, python_sources
from pysandbox.runtime.tools import PYODIDE_VERSION, ROOT, pyodide_folder

DIST = Path(__file__).parent / "dist"
WORK = ROOT / "build" / "runtime"
CACHE = ROOT / "build" / "cache"
ASSETS = ("pyodide.asm.wasm", "python_stdlib.zip", "snapshot.bin", "host_worker.js", "plugin_worker.js", "watchdog.js")
Progress = Callable[[str], None]


def build(progress: Progress = print, *, force: bool = False, dist: Path = DIST) -> Path:
    """Build into ``dist`` and return it. Raises SandboxError where a tool or a package is missing."""
    if not (ROOT / "web" / "pysandbox.ts").exists():  # an installed package carries dist/, not the sources
        return dist
    inputs = digest_of_inputs()
    if not force and _is_current(dist, inputs):
        progress("the browser bundle is up to date")
        return dist
    TARGET.write_text(protocol_ts())
    inputs = digest_of_inputs()
    progress("fetching Pyodide")
    pyodide = pyodide_folder()
    progress("bundling the scripts")
    scripts = bundle_scripts(pyodide, WORK)
    progress("packing the standard library")
    stdlib = _repack(pyodide / "python_stdlib.zip", WORK / "python_stdlib.zip")
    progress("starting the interpreter and taking its snapshot")
    files = {
        "pyodide.asm.wasm": (pyodide / "pyodide.asm.wasm").read_bytes(), "python_stdlib.zip": stdlib.read_bytes(),
        "snapshot.bin": make_snapshot(pyodide, stdlib, WORK),
        **{name: scripts[name].encode() for name in ("host_worker.js", "plugin_worker.js", "watchdog.js")},
    }  # fmt: skip
    integrity = _entry_files(files, scripts)
    progress("compressing (the first time takes half a minute)")
    files |= compress_all(files, CACHE)
    _publish(files, {**integrity, "inputs": inputs}, dist)
    progress(f"built {dist.name}/ {integrity['build']}")
    return dist


def digest_of_inputs() -> str:
    """SHA-256 over every file that the bundle is made from."""
    digest = hashlib.sha256()
    here = sorted((ROOT / "pysandbox" / "runtime").rglob("*.py")) + sorted((ROOT / "pysandbox" / "runtime").rglob("*.ts"))
    web = sorted((ROOT / "web").glob("*.ts")) + sorted((ROOT / "web").glob("*.html")) + sorted((ROOT / "worker").glob("*.ts"))
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


def _repack(source: Path, target: Path) -> Path:
    """Stored instead of deflated: brotli then sees the text itself, and imports need no inflating."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for info in sorted(old.infolist(), key=lambda info: info.filename):
            new.writestr(zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0)), old.read(info))
    return target


def _entry_files(files: dict[str, bytes], scripts: dict[str, str]) -> dict[str, Any]:
    """Add the entry files, whose scripts carry the assets' hashes; the integrity record of all of them."""
    sha256 = {name: hashlib.sha256(files[name]).hexdigest() for name in ASSETS}
    cell_script = scripts["cell.js"].strip()
    cell_html = (ROOT / "web" / "cell.html").read_text().replace("__PYSANDBOX_SCRIPT_HASH__", _csp_hash(cell_script))
    files["cell.html"] = cell_html.replace("__PYSANDBOX_SCRIPT__", cell_script).encode()
    known = json.dumps([sha256, _csp_hash(cell_script), scripts["host.js"], scripts["pysandbox.js"]])
    build_id = hashlib.sha256(known.encode()).hexdigest()[:16]
    assets = json.dumps({"build": build_id, "sha256": sha256})
    host_script = scripts["host.js"].strip().replace("__PYSANDBOX_BUILD__", f"({assets})")
    files["host.html"] = (ROOT / "web" / "host.html").read_text().replace("__PYSANDBOX_SCRIPT__", host_script).encode()
    files["pysandbox.js"] = scripts["pysandbox.js"].encode()
    files["pysandbox.d.ts"] = (ROOT / "web" / "pysandbox.d.ts").read_bytes()
    return {
        "build": build_id, "protocol": PROTOCOL_VERSION, "pyodide": PYODIDE_VERSION,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())
        },
        "csp": {"hostScript": _csp_hash(host_script), "cellScript": _csp_hash(cell_script)},
    }  # fmt: skip


def _csp_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _publish(files: Mapping[str, bytes], integrity: Mapping[str, Any], dist: Path) -> None:
    """Write beside, then swap: a build that was interrupted leaves the old bundle whole."""
    fresh = dist.with_name(dist.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in files.items():
        (fresh / name).write_bytes(data)
    (fresh / "integrity.json").write_text(json.dumps(integrity, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(dist, ignore_errors=True)
    os.replace(fresh, dist)
