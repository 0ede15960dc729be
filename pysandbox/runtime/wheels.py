"""The wheels that the build runs inside Pyodide, from ``wheels.lock``: fetched once by pip, checked at each use.

Must not know: what they are for.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.runtime.tools import cache_dir

LOCK: Final = Path(__file__).with_name("wheels.lock")
DOWNLOAD_DEADLINE_S: Final = 240
_LINE: Final = re.compile(r"([a-z0-9-]+)==([0-9a-zA-Z.]+) --hash=sha256:([0-9a-f]{64})")
# What pip, under whatever Python runs it, must take for a wheel that Pyodide can use.
_TARGET: Final = ("--python-version=3.14", "--implementation=py", "--abi=none", "--platform=any")


def read_lock(text: str) -> dict[str, tuple[str, str]]:
    """Name to version and SHA-256. Raises SandboxError (``BUILD_FAILED``) for any line of another form."""
    known: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if (match := _LINE.fullmatch(line)) is None:
            raise SandboxError(Code.BUILD_FAILED, f"{LOCK.name}: not NAME==VERSION --hash=sha256:…: {line}")
        known[match[1]] = (match[2], match[3])
    return known


def wheel_paths(names: Iterable[str], folder: Path | None = None) -> list[Path]:
    """The locked wheels of these names, each with the bytes that the lock says. Needs the network the first time."""
    folder = folder or cache_dir() / "wheels"
    locked = read_lock(LOCK.read_text())
    wanted = {name: locked[name] for name in names}
    if not all(_find(folder, name, version) for name, (version, _) in wanted.items()):
        _download(folder)
    paths: list[Path] = []
    for name, (version, sha256) in wanted.items():
        path = _find(folder, name, version)
        if path is None:
            raise SandboxError(Code.BUILD_FAILED, f"pip left no wheel of {name} {version} in {folder}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            path.unlink()
            raise SandboxError(
                Code.BUILD_FAILED, f"{path.name} was not the file of {LOCK.name}; it is removed: run this again")
        paths.append(path)
    return paths


def _find(folder: Path, name: str, version: str) -> Path | None:
    return next(iter(sorted(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))), None)


def _download(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", *_TARGET, "--require-hashes", "--dest", str(folder), "--requirement", str(LOCK)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_DEADLINE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise SandboxError(
            Code.BUILD_FAILED, f"pip fetched no wheels within {DOWNLOAD_DEADLINE_S} s; is the package index reachable?"
        ) from error
    if done.returncode != 0:
        raise SandboxError(
            Code.BUILD_FAILED, "pip could not fetch the build's wheels; is the package index reachable (pip config "
            f"list)?\n{(done.stderr or done.stdout)[-1500:]}")
