"""Bundles the TypeScript: one classic script for each realm.

The Pyodide glue gets two changes, each checked to match exactly once: the heap is restored by our own sparse copy, and
what only Node would import is left out.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.tools import ROOT, run_deno

HEAP_COPY = ("return Module.HEAP8.set(t),l}", "return API.config._copyHeap(Module.HEAP8),l}")
# The probe imports hoist above our code, so importScripts has to go before the first line.
WORKER_BANNER = (
    '"use strict";for(let h=self;h&&h!==Object.prototype;h=Object.getPrototypeOf(h))delete h.importScripts;\n')
SCRIPTS = {
    "pysandbox.js": ("web/pysandbox.ts", "esm"), "host.js": ("web/host.ts", "iife"), "cell.js": ("web/cell.ts", "iife"),
    "watchdog.js": ("web/watchdog.ts", "iife"), "host_worker.js": ("worker/host_worker.ts", "iife"),
    "plugin_worker.js": ("worker/plugin_worker.ts", "iife"),
}  # fmt: skip


def bundle_scripts(pyodide: Path, work: Path) -> dict[str, str]:
    """Every script's text by name. ``work`` is an empty scratch folder; the glue is left there as ``glue.mjs``."""
    for folder in ("web", "worker"):
        (work / folder).mkdir(parents=True)
        for source in (ROOT / folder).glob("*.ts"):
            shutil.copy(source, work / folder)
    glue = (pyodide / "pyodide.asm.mjs").read_text()
    if glue.count(HEAP_COPY[0]) != 1:
        raise SandboxError(Code.BUILD_FAILED, "Pyodide's glue is not the one this build knows")
    (work / "glue.mjs").write_text(glue.replace(*HEAP_COPY))
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
