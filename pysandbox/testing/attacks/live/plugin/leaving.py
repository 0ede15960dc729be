# ruff: noqa: INP001  # a plugin's folder, not a package; its functions' names say what they try
"""What one plugin leaves for the next in places that a process has, and what can be found of secrets in the heap."""

from __future__ import annotations

import builtins
import contextlib
import gc
import hashlib
import os
import sys
import types
from pathlib import Path
from typing import Any

PLACES = ("/tmp/pysandbox-left", "/home/pyodide/pysandbox-left", "/plugin/pysandbox-left")  # noqa: S108  # its own
NAME = "pysandbox_left"
state: dict[str, Any] = {}


def leave(what: str) -> str:
    """Put ``what`` wherever Python can."""
    for place in PLACES:
        with contextlib.suppress(OSError):
            Path(place).write_text(what)
    os.environ[NAME.upper()] = what
    setattr(builtins, NAME, what)
    module = types.ModuleType(NAME)
    module.what = what  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules[NAME] = module
    state["left"] = what
    return "left"


def find() -> str:
    """The places in which something was found, empty if none."""
    found = [place for place in PLACES if Path(place).exists()]
    found += ["environment"] if NAME.upper() in os.environ else []
    found += ["builtins"] if hasattr(builtins, NAME) else []
    found += ["modules"] if NAME in sys.modules else []
    found += ["state"] if "left" in state else []
    return " ".join(found)


def search(sha256: str, chars: int, plant: str | None) -> int:
    """Counts texts and bytes of that length and hash, in every object that the collector knows and what they hold."""
    if plant is not None:
        state["planted"] = plant
    seen: set[int] = set()
    count = 0
    pending: list[Any] = list(gc.get_objects())
    for holder in pending:
        for value in gc.get_referents(holder):
            if id(value) in seen or not isinstance(value, (str, bytes)) or len(value) != chars:
                continue
            seen.add(id(value))
            data = value.encode(errors="replace") if isinstance(value, str) else value
            count += hashlib.sha256(data).hexdigest() == sha256
    return count
