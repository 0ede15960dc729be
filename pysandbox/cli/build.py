"""``pysandbox build``: a plugin's folder becomes one file that a registry takes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.cli.build_report import report
from pysandbox.cli.check import Folder
from pysandbox.core.errors import SandboxError

EXAMPLES = "Examples:  pysandbox build examples/risk_scoring  ·  pysandbox build . --lock -o dist/"


def build(
    folder: Folder,
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File or folder to write; default: ID-VERSION.zip here."),
    ] = None,
    lock: Annotated[
        bool, typer.Option("--lock", help="Write requirements.txt anew first: every wheel pinned, with its hash."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Build a plugin's bundle: manifest, source, wheels, and the SHA-256 of each. Same input, same bytes."""
    from pysandbox.gateway.folder import build_folder  # noqa: PLC0415  # imported when it runs: --help stays fast

    try:
        if lock:
            _lock(folder)
        built = build_folder(folder, resolve=output.resolver())
    except SandboxError as error:
        output.give_up(error, output.FAILED)
    name = f"{built.manifest.plugin_id}-{built.manifest.version}.zip"
    path = Path(name) if target is None else target / name if target.is_dir() else target
    try:
        _write(path, built.bundle)
    except OSError as error:
        output.wrong_use(f"{path} cannot be written: {error.strerror or error}")
    report(path, built, as_json=as_json)


def _lock(folder: Path) -> None:
    from pysandbox.core.requirements import FILE_NAME  # noqa: PLC0415  # as above
    from pysandbox.runtime.requirements import lock  # noqa: PLC0415

    path = folder / FILE_NAME
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        output.wrong_use(f"{path} cannot be read; --lock pins what it names")
    answer = lock(text, output.progress)
    if answer != text:
        try:
            _write(path, answer.encode())
        except OSError as error:
            output.wrong_use(f"{path} cannot be written: {error.strerror or error}")


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: whoever reads ``path`` never sees half a bundle."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".pysandbox-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
