"""``pysandbox runtime build``: makes the browser bundle. A published package carries it already."""

from __future__ import annotations

from typing import Annotated

import typer

from pysandbox.cli import output
from pysandbox.core.errors import SandboxError

app = typer.Typer(help="The browser bundle that pages load.", no_args_is_help=True)


@app.callback()
def runtime() -> None:
    """The browser bundle that pages load."""


@app.command("build", epilog="Examples:  pysandbox runtime build  ·  pysandbox runtime build --force")
def build(
    force: Annotated[bool, typer.Option("--force", help="Build again even if nothing changed.")] = False,
) -> None:
    """Build the browser bundle into the package's own folder. Does nothing when it is up to date."""
    from pysandbox.runtime.build import build as build_runtime  # noqa: PLC0415  # imported when it runs

    console = output.err()
    try:
        build_runtime(progress=lambda message: console.print(output.line(("· ", "dim"), message)), force=force)
    except SandboxError as error:
        output.give_up(error, output.FAILED)
