"""Brings the browsers that tests drive: the system's own, else Debian's packages, else Playwright's download.

usage: setup_browsers.py ENGINE… [--optional ENGINE…] [--stamp FILE]

Ends with 1 when a needed engine cannot be had, naming the command that would bring it. An optional one that cannot be
had is said loudly, and is needed where CI=true. FILE is touched when nothing is missing.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import debian

from pysandbox.testing.engines.find import DEBIAN_PACKAGES, ENGINES, Engine, cure, find_browser, missing_parts


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
    return (debian.install(*DEBIAN_PACKAGES[engine]) or download(engine)) and not lacks(engine)


def lacks(engine: Engine) -> bool:
    """Chromium and Firefox need their program alone; WebKit a driver and a display besides."""
    return bool(missing_parts(engine))


def download(engine: Engine) -> bool:
    """Playwright's own builds; it has none of WebKitGTK. The module comes with the test tools only."""
    if engine == "webkit":
        return False
    if subprocess.run([sys.executable, "-c", "import playwright"], capture_output=True, check=False).returncode:
        lock = str(Path(__file__).parent.parent / "requirements-dev.lock")
        if not debian.run([sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]):
            return False
    print(f"Downloading {engine} (Playwright)", flush=True)
    return debian.run([sys.executable, "-m", "playwright", "install", engine]) and find_browser(engine) is not None


if __name__ == "__main__":
    sys.exit(main())
