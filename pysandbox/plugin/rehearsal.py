"""What taking up a plugin will do, done once before one comes, with a few lines of our own.

An engine compiles the interpreter's functions when they are first called: in a cell that waits in reserve that can be
over by the time somebody waits for it. Nothing is left behind: no module, no file, no name.

Must not know: the runtime that will take up the plugin, nor anybody's code.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.bundle import build_bundle, read_bundle
from pysandbox.core.envelope import TO_HOST, Binding, Opener, Sealer
from pysandbox.plugin import hooks
from pysandbox.plugin.loader import import_entry, unpack

ENTRY: Final = "pysandbox_rehearsal"
SOURCE: Final = b'''"""Ours alone."""
from __future__ import annotations
import json
from dataclasses import dataclass
from typing import Any
from pysandbox.plugin import Context, handler, on_load

@dataclass
class Part:
    name: str
    size: float = 1.0

async def nothing() -> None:
    return None

@handler
async def rehearse(payload: dict[str, Any], ctx: Context | None = None) -> dict[str, Any]:
    await nothing()
    parts = sorted((Part(name, len(name) / 2) for name in payload), key=lambda part: part.size)
    try:
        raise ValueError("caught")
    except ValueError as error:
        return {"parts": [part.name for part in parts], "text": f"{error!r} {json.dumps(payload)}"}
'''


def _finished(coroutine: Coroutine[Any, Any, object]) -> object:
    """The value of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast(object, stop.value)
    raise AssertionError("it waits")


def rehearse(folder: Path) -> None:
    """``folder`` must not be there yet, and is not there afterwards."""
    binding = Binding("rehearsal", "0" * 32, 1, bytes(16), "https://rehearsal.invalid")
    try:
        unpack(read_bundle(build_bundle({f"{ENTRY}.py": SOURCE})), folder)
        registry = import_entry(ENTRY, folder)
        value = _finished(registry.handlers["rehearse"]({"a": 1, "bc": [2.5, None]}))
        payload = strict_json.dumps(value)
        sealed = Sealer(binding, TO_HOST, "null").seal("result", "1", "", payload, memory=(1, 2))
        opened = Opener(binding, TO_HOST, "null", max_chars=len(sealed)).open(sealed)
        assert opened is not None
        strict_json.loads(opened.payload)
    finally:
        hooks.current = hooks.Registry()
        sys.modules.pop(ENTRY, None)
        sys.path[:] = [path for path in sys.path if path != str(folder)]
        for path in sorted(folder.rglob("*"), reverse=True):
            path.unlink()
        folder.rmdir()
        sys.path_importer_cache.pop(str(folder), None)
        importlib.invalidate_caches()
