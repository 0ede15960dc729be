"""Unpacks a plugin's bundle into the worker's own file system and imports its entry module.

Must not know: envelopes, the host. Works in CPython too, where a test gives it a temporary folder.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin import hooks
from pysandbox.plugin.runs import DeadlineExceeded


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write ``files`` below ``folder``. Names were checked when the bundle was read: relative, no ``..``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def import_entry(entry: str, folder: Path) -> hooks.Registry:
    """Import ``entry`` from ``folder``; the registry that its decorators filled.

    Raises SandboxError (``PLUGIN_IMPORT_FAILED``) with a message for the plugin's author, and `DeadlineExceeded`.
    """
    hooks.current = registry = hooks.Registry()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    # Wheels come last, as site-packages do: none can hide the plugin's own modules, the library's or the sandbox's.
    sys.path.extend(path for path in sorted(map(str, folder.glob("wheels/*.whl"))) if path not in sys.path)
    importlib.invalidate_caches()
    try:
        importlib.import_module(entry)
    except SandboxError:
        raise
    except DeadlineExceeded:
        raise
    except MemoryError:
        raise SandboxError(Code.MEMORY_LIMIT, f"importing {entry!r} ran out of memory") from None
    except BaseException as error:
        raise SandboxError(Code.PLUGIN_IMPORT_FAILED, f"importing {entry!r} failed: {describe(error)}") from error
    return registry


def describe(error: BaseException) -> str:
    """One line for the author: the kind, the text, and the last place in the plugin's own code."""
    try:
        text = f"{type(error).__name__}: {error}"[:500]
    except Exception as fault:  # noqa: BLE001 - the plugin's own __str__
        text = f"{type(error).__name__}, whose text cannot be had: {type(fault).__name__}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if "pysandbox/" not in frame.filename
           and "importlib" not in frame.filename and "<frozen" not in frame.filename]  # fmt: skip
    if own:
        place = own[-1]
        text += f" ({Path(place.filename).name}, line {place.lineno}, in {place.name})"
    return text
