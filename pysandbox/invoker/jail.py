"""The walls around a plugin's process that this machine's operating system and Deno have.

Plugin code counts as reaching JavaScript there, so the walls are outside of that: no permission, no import from
anywhere, no environment, an empty folder and cache of its own, a bound on memory, no network where the system lets us.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError

MIB: Final = 1024 * 1024
BOOT_BYTES: Final = 4096 * MIB
"""Of data before anybody's code runs: reading and compiling the interpreter. Most of it is reserved, not used."""
MAX_FILES: Final = 64  # open ones
FLAGS: Final = (
    "--quiet", "--no-config", "--no-lock", "--no-prompt", "--no-remote", "--no-npm", "--cached-only",
    "--no-code-cache",
    *(f"--deny-{name}" for name in ("import", "net", "read", "write", "env", "sys", "run", "ffi")),
    "--v8-flags=--disallow-code-generation-from-strings",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walls:
    """What is there. Each can be taken away, which the tests of attacks do to show what it holds."""

    flags: tuple[str, ...] = FLAGS
    network_namespace: bool = True
    memory_limit: bool = True


@lru_cache(maxsize=1)
def deno() -> str:
    """The Deno binary: the wheel's beside this Python, else one on PATH. Raises SandboxError ``RUNTIME_MISSING``."""
    beside = Path(sys.executable).parent / "deno"
    found = str(beside) if beside.exists() else shutil.which("deno")
    if found is None:
        raise SandboxError(Code.RUNTIME_MISSING, "Deno is missing; install it with: pip install deno")
    return found


@lru_cache(maxsize=1)
def without_network() -> tuple[str, ...]:
    """What to put before a command so that it has a network of its own, without any interface that is up.

    Nothing where the system does not let us: then Deno's own permissions stand alone.
    """
    unshare = shutil.which("unshare")
    for options in (("--net", "--ipc", "--uts"), ("--user", "--map-current-user", "--net", "--ipc", "--uts")):
        if unshare and subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode == 0:
            return (unshare, *options)
    return ()


@lru_cache(maxsize=1)
def dying_with_parent() -> tuple[str, ...]:
    """What to put before a command so that the system kills it when who started it dies, however busy it is.

    Nothing where there is no such tool: then the process ends by itself once it looks at its input again. It stands
    behind `without_network`, since a change of namespace takes it back.
    """
    setpriv = shutil.which("setpriv")
    options = ("--pdeathsig", "KILL")
    if setpriv and subprocess.run([setpriv, *options, "true"], capture_output=True, check=False).returncode == 0:
        return (setpriv, *options)
    return ()


def command(script: Path, walls: Walls) -> list[str]:
    """What starts the process. It dies with the thread that starts it."""
    before = without_network() if walls.network_namespace else ()
    return [*before, *dying_with_parent(), deno(), "run", *walls.flags, str(script)]


def environment(folder: Path) -> dict[str, str]:
    """All that the process is told: where its empty cache is, and to be quiet."""
    return {"DENO_DIR": str(folder / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1", "HOME": str(folder)}


def limit_process(pid: int, walls: Walls, *, more_bytes: int | None = None) -> None:
    """Bound a process's files, and its memory: what it may write to, not what is reserved, which is far more.

    ``more_bytes``: beyond what it has now; None for one that is only starting. Works where Linux does.
    """
    if not hasattr(resource, "prlimit"):
        return
    try:
        if walls.memory_limit:
            most = BOOT_BYTES if more_bytes is None else data_bytes(pid) + more_bytes
            resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))
        if more_bytes is None:
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    except (ProcessLookupError, FileNotFoundError):
        return  # it has ended already; its end is told on its own way


def data_bytes(pid: int) -> int:
    """The private memory that the process may write to, as RLIMIT_DATA counts it (proc(5), ``VmData``)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def kill_group(pid: int) -> None:
    """End a process and all that it started, at once."""
    try:
        os.killpg(pid, 9)
    except (ProcessLookupError, PermissionError):
        return  # there is nobody left
