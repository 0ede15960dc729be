"""Packages of Debian, where they can be had without a question. What the setup_* programs share."""

import os
import shutil
import subprocess
import sys
from functools import cache

TIMEOUT_S = 900
SETTINGS = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
"""With run level 1 a package's own service is not started: the tests start theirs."""


def install(*packages: str) -> bool:
    """False where there is no apt-get, no right to use it, or no such package."""
    before = prefix()
    if before is None:
        return False
    print(f"Installing {' '.join(packages)} (apt-get)", flush=True)
    update()
    return run([*before, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])


@cache
def prefix() -> list[str] | None:
    """What stands before apt-get to use it without a question, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run(["sudo", "-n", "true"], quiet=True):
        return ["sudo", "-n", *(f"{name}={value}" for name, value in SETTINGS.items())]
    return None


@cache
def update() -> None:
    """Once a run. Without it a fresh machine knows no package; its failure shows at the install that follows."""
    run([*(prefix() or []), "apt-get", "update", "-qq"])


def run(command: list[str], *, quiet: bool = False) -> bool:
    """Runs a command; its output is shown when it fails and ``quiet`` is off."""
    try:
        done = subprocess.run(
            command, env={**os.environ, **SETTINGS}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        return False
    if done.returncode and not quiet:
        print("\n".join((done.stdout + done.stderr).splitlines()[-15:]), file=sys.stderr)
    return done.returncode == 0
