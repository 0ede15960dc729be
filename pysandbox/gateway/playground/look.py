"""One look at a plugin's folder, as the page shows it: what is wrong and where, its files, its saved inputs.

Must not know: HTTP.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Problem, SandboxError
from pysandbox.core.permissions import KNOWN, provider
from pysandbox.gateway.folder import CAPABILITIES_NAME, MANIFEST_NAME, FolderCheck, check_folder, read_capabilities
from pysandbox.gateway.playground.files import PluginFiles
from pysandbox.gateway.playground.live import LiveFolder
from pysandbox.gateway.playground.places import line_of

_IN_FILE: Final = re.compile(r"([^,:]+), line (\d+)(?:: (.*))?", re.DOTALL)
_INPUT: Final = re.compile(r"input\.(.+)\.json")


def look(live: LiveFolder, files: PluginFiles) -> dict[str, object]:
    """JSON for the page. ``plugin`` is null while the folder cannot be loaded."""
    built = live.all()
    check = check_folder(live.folder)
    names = files.names()
    manifest = _text(files, MANIFEST_NAME)
    problems = check.problems or _of_build(live.fault)
    return {
        "folder": live.folder.resolve().name,
        "plugin": built[0].manifest.key if built else None,
        "build": built[0].sha256 if built else None,
        "limits": _limits(check),
        "permissions": _permissions(check, manifest),
        "problems": [_placed(problem, manifest) for problem in problems],
        "notes": [_note(note) for note in check.notes],
        "files": names,
        "inputs": {found[1]: _text(files, name) for name in names if (found := _INPUT.fullmatch(name))},
        "capabilities": _capabilities(live.folder),
    }


def _limits(check: FolderCheck) -> dict[str, int]:
    manifest = check.manifest
    return {} if manifest is None else {
        "memoryLimitMB": manifest.memory_limit_mb, "maxExecutionTimeMs": manifest.max_execution_time_ms}


def _permissions(check: FolderCheck, manifest: str) -> list[dict[str, object]]:
    declared = check.manifest.permissions if check.manifest else ()
    return [
        {"name": name, "provider": provider(name), "line": line_of(f"$.manifest.permissions[{index}]", manifest),
         "opens": KNOWN[name].opens if name in KNOWN else "A function that the page provides."}
        for index, name in enumerate(declared)]


def _placed(problem: Problem, manifest: str) -> dict[str, object]:
    if problem.path.startswith("$"):
        return {**problem.as_json(), "file": MANIFEST_NAME, "line": line_of(problem.path, manifest)}
    found = _IN_FILE.fullmatch(problem.path)
    return {**problem.as_json(), "file": found[1] if found else problem.path, "line": int(found[2]) if found else 1}


def _note(note: str) -> dict[str, object]:
    found = _IN_FILE.fullmatch(note)
    return {"file": found[1], "line": int(found[2]), "text": found[3] or ""} if found else {"text": note}


def _of_build(fault: SandboxError | None) -> list[Problem]:
    if fault is None:
        return []
    return list(fault.details) or [Problem("requirements.txt", fault.message, f"See {fault.code} in docs/errors.md.")]


def _capabilities(folder: Path) -> dict[str, object]:
    try:
        return read_capabilities(folder / CAPABILITIES_NAME)
    except SandboxError:  # not there; or wrong, which is among the problems
        return {}


def _text(files: PluginFiles, name: str) -> str:
    try:
        return files.read(name)
    except SandboxError:
        return ""
