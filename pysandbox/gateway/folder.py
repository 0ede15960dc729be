"""A plugin as a folder on disk: read it, say everything that is wrong with it, make its bundle.

What goes into the bundle: every regular file, less what belongs to development alone (`_is_left_out`). Must not know:
how bundles are served or run.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from pysandbox.core.bundle import INDEX_NAME, MAX_BUNDLE_BYTES, MAX_FILES, build_bundle, name_fault
from pysandbox.core.errors import Code, ManifestError, Problem, SandboxError
from pysandbox.core.manifest import Manifest, parse_manifest
from pysandbox.core.requirements import FILE_NAME as REQUIREMENTS_NAME
from pysandbox.core.requirements import parse_requirements
from pysandbox.core.wheel import is_compiled, wheel_faults
from pysandbox.gateway.json_files import read_json_file

MANIFEST_NAME: Final = "manifest.json"
CAPABILITIES_NAME: Final = "capabilities.json"
_LEFT_OUT_FOLDERS: Final = frozenset({"__pycache__", "tests", "node_modules"})

Resolver = Callable[[str], Mapping[str, bytes]]
"""From the text of requirements.txt to bundle entries: ``{"wheels/NAME.whl": bytes}``."""


@dataclass(slots=True)
class FolderCheck:
    """What a look at a folder found. ``problems`` forbid a bundle; ``notes`` are for the author to weigh."""

    manifest: Manifest | None = None
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class BuiltPlugin:
    """A plugin that is ready to be served: its manifest, its bundle and the bundle's SHA-256 in hex."""

    manifest: Manifest
    bundle: bytes
    sha256: str


def refuse_requirements(_text: str) -> Mapping[str, bytes]:
    """The resolver of a machine that cannot make wheels: says so."""
    raise SandboxError(
        Code.REQUIREMENTS_UNRESOLVED,
        f"{REQUIREMENTS_NAME} names packages, and whoever builds here was given no way to find them: use `pysandbox "
        "build`, or copy pure-Python modules into the plugin's folder and empty the file")


def check_folder(folder: Path) -> FolderCheck:
    """Read ``folder`` and judge it. Never raises for what is in it; a folder that is not there is a problem too."""
    check = FolderCheck()
    if not folder.is_dir():
        check.problems.append(Problem(str(folder), "is not a folder", "Name the folder that holds manifest.json."))
        return check
    _read_files(folder, check)
    _check_manifest(check)
    _check_capabilities(folder, check)
    _check_requirements(check)
    _check_compiled(check)
    for name, content in check.files.items():
        if name.endswith(".py") and (note := _syntax_note(name, content)):
            check.notes.append(note)
    return check


def build_folder(folder: Path, *, resolve: Resolver = refuse_requirements) -> BuiltPlugin:
    """Check ``folder`` and make its bundle.

    Raises with every problem at once: `ManifestError` if the manifest itself cannot be read, else `SandboxError`
    ``BUNDLE_INVALID``; or ``REQUIREMENTS_UNRESOLVED``.
    """
    check = check_folder(folder)
    if check.manifest is None:
        raise ManifestError(check.problems)
    if check.problems:
        first = check.problems[0]
        raise SandboxError(
            Code.BUNDLE_INVALID, f"{folder} cannot be bundled: {first.path} {first.rule}", details=check.problems)
    files = dict(check.files)
    if has_requirements(files):
        files.update(resolve(files[REQUIREMENTS_NAME].decode(errors="replace")))
    bundle = build_bundle(files)
    return BuiltPlugin(check.manifest, bundle, hashlib.sha256(bundle).hexdigest())


def submission(folder: Path, version: str) -> dict[str, Any]:
    """The body that registers the plugin in ``folder`` as ``version`` of it. Raises as `build_folder` does."""
    with tempfile.TemporaryDirectory(prefix="pysandbox-") as scratch:
        copy = Path(scratch)
        for path in sorted(folder.iterdir()):
            if path.is_file():
                (copy / path.name).write_bytes(path.read_bytes())
        manifest = json.loads((copy / MANIFEST_NAME).read_text("utf-8"))
        (copy / MANIFEST_NAME).write_text(json.dumps({**manifest, "version": version}), "utf-8")
        built = build_folder(copy)
    return {"manifest": built.manifest.raw, "bundle": base64.b64encode(built.bundle).decode()}


def has_requirements(files: Mapping[str, bytes]) -> bool:
    """Whether requirements.txt is there and names anything."""
    lines = files.get(REQUIREMENTS_NAME, b"").decode(errors="replace").splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def read_capabilities(path: Path) -> dict[str, object]:
    """What a page would answer for each capability while developing. Raises `SandboxError` ``INPUT_INVALID``."""
    value = read_json_file(path)
    if not isinstance(value, dict):
        raise SandboxError(
            Code.INPUT_INVALID, f"{path} must hold an object: each capability's name and the JSON value to answer")
    return cast(dict[str, object], value)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a bundled file does: names, sizes and modification times, without reading any content."""
    marks: list[tuple[str, int, int]] = []
    for path in _walk(folder):
        status = path.lstat()
        marks.append((path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns))
    return tuple(marks)


def _walk(folder: Path) -> list[Path]:
    """Every file that would be bundled, and whatever is neither file nor folder, in a stable order."""
    found: list[Path] = []
    pending = [folder]
    while pending and len(found) <= MAX_FILES:
        for path in sorted(pending.pop().iterdir()):
            name = path.relative_to(folder).as_posix()
            if path.is_dir() and not path.is_symlink():
                if path.name not in _LEFT_OUT_FOLDERS and not path.name.startswith("."):
                    pending.append(path)
            elif not _is_left_out(name):
                found.append(path)
    return sorted(found)


def _is_left_out(name: str) -> bool:
    base = name.rpartition("/")[2]
    return (
        base.startswith((".", "test_"))
        or base.endswith((".pyc", ".pyo", "~"))
        or base == "conftest.py"
        or name == CAPABILITIES_NAME
        or ("/" not in name and name.endswith(".zip"))  # what `pysandbox build` left there
    )


def _read_files(folder: Path, check: FolderCheck) -> None:
    paths = _walk(folder)
    if len(paths) > MAX_FILES:
        check.problems.append(Problem(str(folder), f"holds more than {MAX_FILES} files", "Move out what it can spare."))
    left_bytes = MAX_BUNDLE_BYTES
    for path in paths[:MAX_FILES]:
        name = path.relative_to(folder).as_posix()
        status = path.lstat()
        if fault := name_fault(name):
            check.problems.append(Problem(ascii(name), f"the name {fault}", "Rename it."))
        elif name == INDEX_NAME:
            check.problems.append(Problem(name, "is written by the build", "Rename yours."))
        elif not stat.S_ISREG(status.st_mode):  # a link could lead anywhere on this machine, a pipe would hang
            check.problems.append(Problem(name, "is not a regular file", "Put a copy of its content in its place."))
        elif status.st_size > left_bytes:
            rule = f"with it the plugin is larger than {MAX_BUNDLE_BYTES} bytes"
            check.problems.append(Problem(name, rule, "Keep large data behind an API of yours."))
        else:
            left_bytes -= status.st_size
            check.files[name] = path.read_bytes()


def _check_manifest(check: FolderCheck) -> None:
    data = check.files.get(MANIFEST_NAME)
    if data is None:
        check.problems.append(Problem(MANIFEST_NAME, "is missing", "Write one; `pysandbox check --help` shows it."))
        return
    try:
        check.manifest = parse_manifest(data)
    except ManifestError as error:
        check.problems.extend(error.details)
        return
    path = check.manifest.entry.replace(".", "/")
    if not {f"{path}.py", f"{path}/__init__.py"} & check.files.keys():
        check.problems.append(Problem(
            "$.manifest.entry", f"the folder has neither {path}.py nor {path}/__init__.py",
            "Name the module that holds the handlers."))


def _check_capabilities(folder: Path, check: FolderCheck) -> None:
    path = folder / CAPABILITIES_NAME
    if not path.exists():
        return
    try:
        read_capabilities(path)
    except SandboxError as error:
        check.problems.append(Problem(CAPABILITIES_NAME, error.message, "Mend it, or remove it."))


def _check_requirements(check: FolderCheck) -> None:
    if not has_requirements(check.files):
        return
    try:
        parse_requirements(check.files[REQUIREMENTS_NAME].decode(errors="replace"))
    except SandboxError as error:
        check.problems.extend(error.details)
        return
    check.notes.append(f"{REQUIREMENTS_NAME} names packages; they are resolved when the bundle is built")


def _check_compiled(check: FolderCheck) -> None:
    """A library has no business in the folder; a wheel that lies there is judged like one that was resolved."""
    for name, content in check.files.items():
        if name.endswith(".whl"):
            faults = wheel_faults(name.rpartition("/")[2], content)
            check.problems.extend(Problem(name, rule, cure) for rule, cure in faults)
        elif is_compiled(name, content):
            check.problems.append(Problem(
                name, "is compiled code, which no plugin can load",
                f"Remove it; name pure-Python packages in {REQUIREMENTS_NAME}."))


def _syntax_note(name: str, content: bytes) -> str:
    """A note and no problem: the sandbox runs Python 3.14, which reads more than an older Python here does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content, name)
    except SyntaxError as error:
        where = f"{name}, line {error.lineno}" if error.lineno else name
        here = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        return f"{where}: {here} cannot read this ({error.msg}); the sandbox runs Python 3.14"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{name}: cannot be read as Python ({type(error).__name__})"
    return ""
