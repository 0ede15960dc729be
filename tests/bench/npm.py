"""The peers' files from the npm registry, through Deno, kept under build/bench (a fresh machine has no Node)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"

PACKAGES = {"pyodide": "314.0.7", "comlink": "4.4.2", "@pyscript/core": "0.7.31"}

SERVED = {
    "pyodide": (
        "node_modules/pyodide",
        ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"),
    ),
    "comlink": ("node_modules/comlink/dist/esm", ("comlink.min.mjs",)),
    "pyscript": ("node_modules/@pyscript/core/dist", ("*.js",)),
}
"""Name under /npm/ -> folder and the files of it that a browser may ask for."""


class SetupError(Exception):
    """Something the benchmark needs is not there; the message says how to get it."""


def deno() -> Path:
    """The Deno executable that its wheel puts beside this Python, else the one on PATH."""
    beside = Path(sys.executable).parent / "deno"
    found = beside if beside.exists() else Path(shutil.which("deno") or "")
    if not found.is_file():
        raise SetupError("deno is missing: pip install 'pysandbox[build]'")
    return found


def install(progress: Callable[[str], None]) -> dict[str, Path]:
    """Install what is missing; answer every served file by its path below /npm/."""
    place = BUILD / "npm"
    place.mkdir(parents=True, exist_ok=True)
    wanted = json.dumps({"private": True, "dependencies": PACKAGES}, indent=1)
    done = place / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        progress("fetching " + ", ".join(f"{name} {version}" for name, version in PACKAGES.items()) + " from npm")
        (place / "package.json").write_text(wanted)
        (place / "deno.json").write_text('{"nodeModulesDir": "auto"}')
        environment = {"DENO_DIR": str(ROOT / ".deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"} | os.environ
        result = subprocess.run(
            [deno(), "install"], cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise SetupError(f"deno install failed; is the npm registry reached from here?\n{result.stderr.strip()}")
        done.write_text(wanted)
    return {
        f"{name}/{path.name}": path
        for name, (folder, patterns) in SERVED.items()
        for pattern in patterns
        for path in sorted((place / folder).glob(pattern))
    }
