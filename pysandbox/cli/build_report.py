"""What `pysandbox build` says of a bundle: what it weighs, and which wheels weigh so much."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pysandbox.cli import output

if TYPE_CHECKING:
    from pysandbox.gateway.folder import BuiltPlugin


def report(path: Path, built: BuiltPlugin, *, as_json: bool) -> None:
    """Where the bundle is, its size and hash, and what it is made of: on stdout, for people or as one JSON line."""
    from pysandbox.core.bundle import read_bundle  # noqa: PLC0415  # imported when it runs: --help stays fast

    files = read_bundle(built.bundle)
    wheels = {name: content for name, content in files.items() if name.endswith(".whl")}
    own = {name: len(content) for name, content in files.items() if name not in wheels}
    if as_json:
        output.json_line({
            "ok": True, "path": str(path), "bytes": len(built.bundle), "sha256": built.sha256, "files": own,
            "wheels": {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                       for name, content in wheels.items()}})  # fmt: skip
        return
    out = output.out()
    out.print(output.line((str(path), "bold"), f"  {output.size(len(built.bundle))}  sha256:{built.sha256}"))
    out.print(output.line(("  files       ", "dim"), f"{len(own)}, {output.size(sum(own.values()))} together"))
    for name, content in sorted(wheels.items(), key=lambda item: (-len(item[1]), item[0])):
        out.print(output.line(("  wheel       ", "dim"), f"{name.rpartition('/')[2]}  {output.size(len(content))}"))
