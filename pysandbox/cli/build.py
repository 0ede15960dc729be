"""``pysandbox build``: a plugin's folder becomes one file that a registry takes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.cli.check import Folder
from pysandbox.core.errors import SandboxError

EXAMPLES = "Examples:  pysandbox build examples/risk_scoring  ·  pysandbox build . -o dist/"


def build(
    folder: Folder,
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File or folder to write; default: ID-VERSION.zip here."),
    ] = None,
) -> None:
    """Build a plugin's bundle: manifest and source, and the SHA-256 of each. The same input gives the same bytes."""
    from pysandbox.gateway.folder import build_folder  # noqa: PLC0415  # imported when it runs: --help stays fast

    try:
        built = build_folder(folder, resolve=output.resolver())
    except SandboxError as error:
        output.give_up(error, output.FAILED)
    name = f"{built.manifest.plugin_id}-{built.manifest.version}.zip"
    path = Path(name) if target is None else target / name if target.is_dir() else target
    try:
        _write(path, built.bundle)
    except OSError as error:
        output.wrong_use(f"{path} cannot be written: {error.strerror or error}")
    output.out().print(output.line(
        (str(path), "bold"), f"  {output.size(len(built.bundle))}  sha256:{built.sha256}"))


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
