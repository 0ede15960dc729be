"""``pysandbox dev``: a playground page for the plugin in a folder, which follows what is saved there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import configured, output
from pysandbox.cli.ending import Ending
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from pysandbox.gateway.playground.routes import Playground
    from pysandbox.gateway.serve import DevServer

EXAMPLES = "Examples:  pysandbox dev greeting  ·  pysandbox dev  ·  pysandbox dev greeting --port 0"


def dev(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", exists=True, file_okay=False, help="The plugin's folder; default: here."),
    ] = Path(),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = None,
    sandbox_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the sandbox's own origin.")] = None,
    dist: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Browser bundle to serve; default: the package's own."),
    ] = None,
) -> None:
    """Serve a playground for a plugin: edit it, call it, see what it did. Reloads it when its files change."""
    from pysandbox.gateway.playground.routes import Playground  # noqa: PLC0415  # when it runs: --help stays fast
    from pysandbox.gateway.serve import DevServer  # noqa: PLC0415

    settings = configured.chosen(None, port=port, sandbox_port=sandbox_port, dist=dist)
    playground = Playground(folder, resolve=output.resolver())
    try:
        server = DevServer(
            playground.plugins, api_port=settings.port, sandbox_port=settings.sandbox_port, dist=settings.dist,
            routes=playground.routes())
    except SandboxError as error:
        output.give_up(error)
    with Ending() as ending, server:
        console = output.err()
        console.print(output.line(("pysandbox dev", "bold"), f" watches {folder.resolve()} (Ctrl-C ends it)"))
        console.print(output.line("  open it in a browser: ", (address(server, playground), "bold")))
        ending.wait()
    output.err().print(output.line("stopped"))


def address(server: DevServer, playground: Playground) -> str:
    """Where the page is. The tokens stand in the fragment, which no server sees."""
    told = f"dev={playground.token}&token={server.token}&sandbox={server.sandbox_origin}"
    return f"{server.api_origin}/pages/playground.html#{told}"
