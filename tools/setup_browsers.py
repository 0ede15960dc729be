"""Brings the browsers that tests drive: the system's own, else Debian's packages, else Playwright's download.

usage: setup_browsers.py ENGINE… [--optional ENGINE…] [--stamp FILE]

Ends with 1 when a needed engine cannot be had, naming the command that would bring it. An optional one that cannot be
had is said loudly, and is needed where CI=true. FILE is touched when nothing is missing.
"""

import argparse
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from pysandbox.testing.engines.find import DEBIAN_PACKAGES, ENGINES, Engine, cure, find_browser, missing_parts

APT_TIMEOUT_S = 900


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("needed", nargs="+", choices=ENGINES)
    parser.add_argument("--optional", nargs="*", choices=ENGINES, default=[])
    parser.add_argument("--stamp", type=Path)
    arguments = parser.parse_args()
    asked: list[Engine] = [*arguments.needed, *arguments.optional]
    missing = [engine for engine in asked if not bring(engine)]
    needed = asked if os.environ.get("CI") == "true" else arguments.needed
    for engine in missing:
        what = "needed" if engine in needed else "its tests will NOT run"
        print(f"!! {engine} is not on this machine ({what}). Mend it with:\n!!   {cure(engine)}", file=sys.stderr)
    if not missing and arguments.stamp:
        arguments.stamp.touch()
    return 1 if set(missing) & set(needed) else 0


def bring(engine: Engine) -> bool:
    """True when the engine is here in the end."""
    if not lacks(engine):
        return True
    return (install_packages(engine) or download(engine)) and not lacks(engine)


def lacks(engine: Engine) -> bool:
    """Chromium and Firefox need their program alone; WebKit a driver and a display besides."""
    return bool(missing_parts(engine))


def install_packages(engine: Engine) -> bool:
    """Debian's packages; False where there is no apt-get, no right to use it, or no such package."""
    prefix = apt_prefix()
    if prefix is None:
        return False
    packages = DEBIAN_PACKAGES[engine]
    print(f"Installing {' '.join(packages)} (apt-get)", flush=True)
    apt_update()
    return run([*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])


@cache
def apt_prefix() -> list[str] | None:
    """What stands before apt-get to use it without a question, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run(["sudo", "-n", "true"], quiet=True):
        return ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive"]
    return None


@cache
def apt_update() -> None:
    """Once a run. Without it a fresh machine knows no package; its failure shows at the install that follows."""
    run([*(apt_prefix() or []), "apt-get", "update", "-qq"])


def download(engine: Engine) -> bool:
    """Playwright's own builds; it has none of WebKitGTK. The module comes with the test tools only."""
    if engine == "webkit":
        return False
    if subprocess.run([sys.executable, "-c", "import playwright"], capture_output=True, check=False).returncode:
        lock = str(Path(__file__).parent.parent / "requirements-dev.lock")
        if not run([sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]):
            return False
    print(f"Downloading {engine} (Playwright)", flush=True)
    return run([sys.executable, "-m", "playwright", "install", engine]) and find_browser(engine) is not None


def run(command: list[str], *, quiet: bool = False) -> bool:
    """Runs a command; its output is shown when it fails and ``quiet`` is off."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=APT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        return False
    if done.returncode and not quiet:
        print("\n".join((done.stdout + done.stderr).splitlines()[-15:]), file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
