"""Bundles the TypeScript: one classic script for each realm.

What only Node would import is left out. The glue comes slimmed: see `glue.py`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pysandbox.runtime.interpreter import HERE
from pysandbox.runtime.tools import ROOT, run_deno

# The probe imports hoist above our code, so importScripts has to go before the first line.
WORKER_BANNER = (
    '"use strict";for(let h=self;h&&h!==Object.prototype;h=Object.getPrototypeOf(h))delete h.importScripts;\n')
SCRIPTS = {
    "pysandbox.js": ("web/pysandbox.ts", "esm"), "pysandbox-element.js": ("web/element.ts", "esm"),
    "host.js": ("web/host.ts", "iife"), "cell.js": ("web/cell.ts", "iife"),
    "watchdog.js": ("web/watchdog.ts", "iife"), "host_worker.js": ("worker/host_worker.ts", "iife"),
    "plugin_worker.js": ("worker/plugin_worker.ts", "iife"), "deno_worker.js": ("worker/deno_worker.ts", "iife"),
}  # fmt: skip


def module_users(pyodide: Path) -> list[str]:
    """The text of every script besides the glue that may reach into the Emscripten module."""
    ours = [*sorted((ROOT / "worker").glob("*.ts")), HERE / "deno" / "snapshot.ts"]
    return [path.read_text() for path in (pyodide / "pyodide.mjs", *ours)]


def bundle_scripts(pyodide: Path, glue: str, work: Path) -> dict[str, str]:
    """Every script's text by name. ``work`` is an empty scratch folder; the glue is left there as ``glue.mjs``."""
    for folder in ("web", "worker"):
        (work / folder).mkdir(parents=True)
        for source in (ROOT / folder).glob("*.ts"):
            shutil.copy(source, work / folder)
    (work / "glue.mjs").write_text(glue)
    shutil.copy(pyodide / "pyodide.mjs", work / "loader.mjs")
    imports = {"pyodide-glue": "./glue.mjs", "pyodide-loader": "./loader.mjs"}
    (work / "deno.json").write_text(json.dumps({"imports": imports}))
    texts: dict[str, str] = {}
    for name, (source, form) in SCRIPTS.items():
        out = work / name
        run_deno(["bundle", "--quiet", "--external=ws", "--external=node:*", "--platform=browser", "--minify",
                  f"--format={form}", "--output", str(out), source], cwd=work)  # fmt: skip
        text = out.read_text()
        texts[name] = WORKER_BANNER + text if name.endswith("_worker.js") else text
    return texts
