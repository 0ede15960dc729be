"""``pysandbox check``: everything that is wrong with a plugin's folder, at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import output

if TYPE_CHECKING:
    from pysandbox.gateway.folder import FolderCheck

EXAMPLES = "Examples:  pysandbox check examples/risk_scoring  ·  pysandbox check . --json | jq .problems"

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="The plugin's folder: manifest.json, code.")]


def check(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Check a plugin's folder: manifest, files, entry. Lists every problem with its place, rule and cure."""
    from pysandbox.gateway.folder import check_folder  # noqa: PLC0415  # imported when it runs: --help stays fast

    found = check_folder(folder)
    if as_json:
        output.json_line(_as_json(found))
    else:
        _show(found)
    raise typer.Exit(output.FAILED if found.problems else 0)


def _summary(found: FolderCheck) -> dict[str, object]:
    manifest = found.manifest
    if manifest is None:
        return {}
    return {
        "pluginId": manifest.plugin_id,
        "version": manifest.version,
        "type": manifest.type,
        "entry": manifest.entry,
        "permissions": list(manifest.permissions),
        "memoryLimitMB": manifest.memory_limit_mb,
        "maxExecutionTimeMs": manifest.max_execution_time_ms,
    }


def _as_json(found: FolderCheck) -> dict[str, object]:
    return {
        "ok": not found.problems,
        **_summary(found),
        "files": {name: len(content) for name, content in sorted(found.files.items())},
        "problems": [problem.as_json() for problem in found.problems],
        "notes": found.notes,
    }


def _show(found: FolderCheck) -> None:
    console = output.out()
    manifest = found.manifest
    if manifest is not None:
        console.print(output.line((manifest.plugin_id, "bold"), f" {manifest.version} · {manifest.type}"))
        total = output.size(sum(len(content) for content in found.files.values()))
        rows = [
            ("entry", manifest.entry),
            ("permissions", ", ".join(manifest.permissions) or "none"),
            ("budget", f"{manifest.memory_limit_mb} MiB, {manifest.max_execution_time_ms} ms a call"),
            ("files", f"{len(found.files)}, {total} together"),
        ]
        for name, value in rows:
            console.print(output.line((f"  {name:12}", "dim"), value))
    for note in found.notes:
        console.print(output.line(("! ", "yellow"), note))
    output.show_problems(console, found.problems)
    count = len(found.problems)
    verdict = (f"{count} problem{'s' * (count != 1)}", "bold red") if count else ("ok", "bold green")
    console.print(output.line(verdict))
