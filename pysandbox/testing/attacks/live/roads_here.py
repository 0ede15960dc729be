"""The control of Python's own roads: the attacker's very code, in this machine's Python, outside of any sandbox."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from pysandbox.testing.attacks.live.lodging import HERE
from pysandbox.testing.attacks.live.verdicts import Half

_SCRIPT: Final = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import roads
print(asyncio.run(roads.take(sys.argv[2], sys.argv[3])))
"""


def take_here(road: str, url: str) -> Half:
    """In a process of its own, as the plugin has one: nothing of it stays here."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _SCRIPT, str(HERE / "plugin"), road, url], capture_output=True, text=True,
            timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Half(None, f"no Python could be started for it: {error}")
    said = (done.stdout or done.stderr).strip()[-200:]
    return Half(said.startswith("open"), said)
