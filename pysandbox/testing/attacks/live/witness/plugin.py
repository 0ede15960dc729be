# ruff: noqa: D103, INP001  # a plugin's folder, not a package; its functions' names say what they try
"""The other plugin on the page: it answers, or it was harmed."""

from __future__ import annotations

import builtins
import os
import sys
from pathlib import Path
from typing import Any

from pysandbox.plugin import Context, handler


@handler
def echo(payload: Any, _ctx: Context) -> Any:
    return payload


@handler
def find(_payload: None, _ctx: Context) -> str:
    """Where something of the attacker's is found, empty if nowhere."""
    found = [str(path) for path in (Path("/tmp/pysandbox-left"), Path("/plugin/pysandbox-left")) if path.exists()]  # noqa: S108
    found += ["environment"] if "PYSANDBOX_LEFT" in os.environ else []
    found += ["builtins"] if hasattr(builtins, "pysandbox_left") else []
    found += ["modules"] if "pysandbox_left" in sys.modules else []
    return " ".join(found)
