"""Where the build's tools and inputs are: Deno, the npm packages it fetched, the source tree, the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError

ROOT: Final = Path(__file__).parents[2]
PYODIDE_VERSION: Final = "314.0.7"
STEP_DEADLINE_S: Final = 240


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """``files``: name and SHA-256 of what is used of it. A tree without deno.lock beside it has these all the same."""

    name: str
    version: str
    files: tuple[tuple[str, str], ...]


PYODIDE: Final = NpmPackage("pyodide", PYODIDE_VERSION, (
    ("pyodide.asm.mjs", "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635"),
    ("pyodide.asm.wasm", "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6"),
    ("pyodide.mjs", "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109"),
    ("python_stdlib.zip", "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a"),
))  # fmt: skip
BINARYEN: Final = NpmPackage("binaryen", "132.0.0", (
    ("index.js", "5f0579abe5dddb48daa46a63933974eea085e0e1752b238d227315cf39d5fb06"),
))  # fmt: skip
TERSER: Final = NpmPackage("terser", "5.51.2", (
    ("dist/bundle.min.js", "379f8758191b03c07745486e785cbf4bed6a7ae368aa40a5a819556743f3ad1c"),
))  # fmt: skip


Progress = Callable[[str], None]
"""Is told what takes long, in a few words."""


def silent(_message: str) -> None:
    """The progress that nobody watches."""


def in_source_tree() -> bool:
    """An installed package carries dist/, not the sources that it is made from."""
    return (ROOT / "web" / "pysandbox.ts").exists()


def cache_dir() -> Path:
    """What may be kept between builds: ``PYSANDBOX_CACHE``, else ``build/cache`` of the tree, else the user's cache."""
    if named := os.environ.get("PYSANDBOX_CACHE"):
        return Path(named)
    if in_source_tree():
        return ROOT / "build" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pysandbox"


def keep(path: Path, content: bytes) -> None:
    """Write a file of the cache whole or not at all, whoever else writes it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    partial.write_bytes(content)
    partial.replace(path)


def deno_dir() -> Path:
    """Deno's cache: the one of the environment, else one in the source tree, else one of ours."""
    if named := os.environ.get("DENO_DIR"):
        return Path(named)
    return ROOT / ".deno" if in_source_tree() else cache_dir() / "deno"


def deno() -> str:
    """The Deno binary: the wheel's beside this Python, else one on PATH."""
    beside = Path(sys.executable).parent / "deno"
    found = str(beside) if beside.exists() else shutil.which("deno")
    if found is None:
        raise SandboxError(Code.BUILD_FAILED, "Deno is missing; install it with: pip install 'pysandbox[build]'")
    return found


def run_deno(args: Sequence[str], *, cwd: Path | None = None, offline: bool = True) -> str:
    """Run Deno and return its standard output. Raises SandboxError with what it said, bounded in time."""
    env = {**os.environ, "DENO_DIR": str(deno_dir()), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    env.setdefault("DENO_TLS_CA_STORE", "system,mozilla")  # the certificates that pip trusts too
    try:
        done = subprocess.run(
            [deno(), *args], cwd=cwd or ROOT, env=env, capture_output=True, text=True, timeout=STEP_DEADLINE_S,
            check=False)
    except subprocess.TimeoutExpired as error:
        raise SandboxError(Code.BUILD_FAILED, f"deno {args[0]} did not end within {STEP_DEADLINE_S} s") from error
    except OSError as error:
        raise SandboxError(
            Code.BUILD_FAILED, f"{deno()} cannot be run ({error.strerror}); install it again with: "
            "pip install --force-reinstall deno") from error
    if done.returncode != 0:
        hint = "" if offline else "; is the registry reachable? (HTTPS_PROXY, NPM_CONFIG_REGISTRY, DENO_TLS_CA_STORE)"
        raise SandboxError(Code.BUILD_FAILED, f"deno {args[0]} failed{hint}\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def pyodide_folder(progress: Progress = silent) -> Path:
    """Pyodide's files."""
    return npm_package(PYODIDE, progress)


def npm_package(package: NpmPackage, progress: Progress = silent) -> Path:
    """The folder of an npm package, fetched by Deno on the first call, and each file checked against its hash."""
    found = _find(package)
    if found is None:
        progress(f"fetching {package.name} {package.version} from the npm registry (once)")
        if in_source_tree():
            run_deno(["install", "--frozen", "--quiet"], offline=False)
        else:
            run_deno(["cache", "--no-config", "--no-lock", "--quiet", f"npm:{package.name}@{package.version}"],
                     cwd=Path.home(), offline=False)
        found = _find(package)
    if found is None:
        raise SandboxError(
            Code.BUILD_FAILED, f"the npm package {package.name} {package.version} is not in {deno_dir()}")
    _check(package, found)
    return found


def _find(package: NpmPackage) -> Path | None:
    folders = sorted(deno_dir().glob(f"npm/*/{package.name}/{package.version}"))
    return next((folder for folder in folders if (folder / package.files[0][0]).exists()), None)


@lru_cache(maxsize=4)
def _check(package: NpmPackage, folder: Path) -> None:
    for name, sha256 in package.files:
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise SandboxError(
                Code.BUILD_FAILED, f"{folder / name} is not the file of {package.name} {package.version}: remove "
                f"{folder} and run this again")
