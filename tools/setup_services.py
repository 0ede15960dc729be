"""Brings the servers that tests start on loopback, and those that the gateway is measured against: Debian's packages.

usage: setup_services.py PACKAGE… [--stamp FILE]

One that cannot be had is said loudly, with the command that would bring it, and ends CI (CI=true) with 1. FILE is
touched when nothing is missing.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

import debian

PROGRAMS = {"redis-server": "redis-server", "postgresql": "initdb", "nginx": "nginx", "wrk": "wrk"}
"""By package: the program that shows whether it is here."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("packages", nargs="+", choices=PROGRAMS)
    parser.add_argument("--stamp", type=Path)
    arguments = parser.parse_args()
    wanted = [package for package in arguments.packages if not is_here(package)]
    if wanted:
        debian.install(*wanted)
    missing = [package for package in wanted if not is_here(package)]
    for package in missing:
        print(
            f"!! {package} is not on this machine: what needs it will NOT run. Mend it with:\n"
            f"!!   apt-get install {package}", file=sys.stderr)
    if not missing and arguments.stamp:
        arguments.stamp.touch()
    return 1 if missing and os.environ.get("CI") == "true" else 0


def is_here(package: str) -> bool:
    """Debian keeps servers where a user's PATH may not lead, and PostgreSQL's programs in a folder of each version."""
    versions = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *versions])
    return shutil.which(PROGRAMS[package], path=places) is not None


if __name__ == "__main__":
    sys.exit(main())
