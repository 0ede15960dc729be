"""``pysandbox new``: a plugin's folder to begin with, whole: manifest, code, its tests, an input to run it with."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.core.errors import SandboxError

EXAMPLES = (
    "Examples:  pysandbox new greeting  ·  pysandbox new orders --template api  ·  "
    "pysandbox new risk --id com.vendor.risk")
TEMPLATES = Path(__file__).parent / "templates"
PLACEHOLDER = "com.example.plugin"


class Template(StrEnum):
    """What to begin with."""

    SCORING = "scoring"
    TEXT = "text"
    API = "api"
    WIDGET = "widget"


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; its name becomes the plugin's.")],
    template: Annotated[
        Template, typer.Option(
            help="scoring: asks the page; text: needs no permission; api: asks through the gateway; widget: draws.")
    ] = Template.SCORING,
    plugin_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Reverse DNS, such as com.vendor.risk-scoring.")] = None,
) -> None:
    """Begin a plugin: a folder that checks, tests and runs as it is."""
    from pysandbox.core.manifest import parse_manifest  # noqa: PLC0415  # when it runs: --help stays fast

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        output.wrong_use(f"{folder} is there already and not empty; name another folder")
    chosen = plugin_id or f"com.example.{_slug(folder.resolve().name)}"
    source = TEMPLATES / template.value
    manifest = (source / "manifest.json").read_text("utf-8").replace(PLACEHOLDER, chosen)
    try:
        parse_manifest(json.loads(manifest))
    except SandboxError as error:
        output.give_up(error)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            text = manifest if path.name == "manifest.json" else path.read_text("utf-8")
            (folder / path.name).write_text(text, "utf-8")
    console = output.out()
    console.print(output.line((chosen, "bold"), f" in {folder}"))
    handler, saved = next((path.name.split(".")[1], path.name) for path in sorted(folder.glob("input.*.json")))
    for command in (
        f"pysandbox check {folder}", f"pysandbox test {folder}", f"pysandbox dev {folder}",
        f"pysandbox run {folder} --call {handler} --input {folder / saved}",
    ):
        console.print(output.line(("  next  ", "dim"), command))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "plugin"
