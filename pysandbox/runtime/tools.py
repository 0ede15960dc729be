"""Where the build's tools and inputs are: Deno, the npm packages it fetched, the source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pysandbox.core.errors import Code, SandboxError

ROOT = Path(__file__).parents[2]
PYODIDE_VERSION = "314.0.7"
STEP_DEADLINE_S = 240


def deno() -> str:
    """The Deno binary: the wheel's beside this Python, else one on PATH."""
    beside = Path(sys.executable).parent / "deno"
    found = str(beside) if beside.exists() else shutil.which("deno")
    if found is None:
        raise SandboxError(Code.BOOT_FAILED, "Deno is missing; install it with: pip install 'pysandbox[build]'")
    return found


def deno_dir() -> Path:
    """Deno's cache: the one of the environment, else one in the source tree."""
    return Path(os.environ.get("DENO_DIR", ROOT / ".deno"))


def run_deno(args: Sequence[str], *, cwd: Path = ROOT, offline: bool = True) -> str:
    """Run Deno and return its standard output. Raises SandboxError with what it said, bounded in time."""
    env = {**os.environ, "DENO_DIR": str(deno_dir()), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            [deno(), *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=STEP_DEADLINE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise SandboxError(Code.BOOT_FAILED, f"deno {args[0]} did not end within {STEP_DEADLINE_S} s") from error
    if done.returncode != 0:
        hint = "" if offline else "; is the npm registry reachable?"
        raise SandboxError(Code.BOOT_FAILED, f"deno {args[0]} failed{hint}\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def pyodide_folder() -> Path:
    """The npm package's files, fetched by Deno on the first call."""
    found = sorted(deno_dir().glob(f"npm/*/pyodide/{PYODIDE_VERSION}/pyodide.asm.wasm"))
    if not found:
        run_deno(["install", "--frozen", "--quiet"], offline=False)
        found = sorted(deno_dir().glob(f"npm/*/pyodide/{PYODIDE_VERSION}/pyodide.asm.wasm"))
    if not found:
        raise SandboxError(Code.BOOT_FAILED, f"the npm package pyodide {PYODIDE_VERSION} is not in Deno's cache")
    return found[0].parent
