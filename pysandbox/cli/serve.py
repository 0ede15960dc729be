"""``pysandbox serve``: both origins on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import faults, output
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from pysandbox.gateway.serve import DevServer

EXAMPLES = (
    "Examples:  pysandbox serve --plugins examples/risk_scoring  ·  pysandbox serve --demo --plugins examples  ·  "
    "pysandbox serve --plugins . --allowed-origin https://app.example")


def serve(
    more: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Further plugin folders.")] = None,
    plugins: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugins", metavar="DIR", envvar="PYSANDBOX_PLUGINS", exists=True, file_okay=False,
            help="A plugin's folder, or a folder of such folders. May be repeated, or followed by more."),
    ] = None,
    port: Annotated[
        int, typer.Option(envvar="PYSANDBOX_PORT", min=0, max=65535, help="Port of the API; 0 takes a free one.")
    ] = 8900,
    sandbox_port: Annotated[
        int,
        typer.Option(envvar="PYSANDBOX_SANDBOX_PORT", min=0, max=65535, help="Port of the sandbox's own origin."),
    ] = 8901,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN", envvar="PYSANDBOX_ALLOWED_ORIGINS",
            help="Origin whose pages may embed the sandbox. May be repeated; in the variable separated by spaces."),
    ] = None,
    host: Annotated[
        str, typer.Option(envvar="PYSANDBOX_HOST", help="Address to listen on; development sessions: loopback alone.")
    ] = "127.0.0.1",
    dist: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="PYSANDBOX_DIST", exists=True, file_okay=False,
            help="Browser bundle to serve; default: the package's own."),
    ] = None,
    chaos: faults.ChaosText = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the demo pages too, and print their address.")] = False,
) -> None:
    """Serve the sandbox and plugins from folders, without a registry, on this machine alone."""
    from pysandbox.gateway.serve import DevServer  # noqa: PLC0415  # imported when it runs: --help stays fast

    try:
        folders = [folder for given in [*(plugins or []), *(more or [])] for folder in plugin_folders(given)]
        server = DevServer(
            folders, api_port=port, sandbox_port=sandbox_port, allowed_origins=allowed_origin or [], host=host,
            with_pages=demo, dist=dist, reload=True, resolve=output.resolver(), chaos=faults.chosen(chaos))
    except SandboxError as error:
        output.give_up(error)
    with server:
        _announce(server, demo=demo)
        _wait_for_the_end()
    output.err().print(output.line("stopped"))


def plugin_folders(given: Path) -> list[Path]:
    """``given`` itself, or the plugin folders right below it when it is none."""
    if (given / "manifest.json").exists() or not given.is_dir():
        return [given]
    below = sorted(path.parent for path in given.glob("*/manifest.json"))
    return below or [given]


def _announce(server: DevServer, *, demo: bool) -> None:
    """Where everything is. The token stands here and nowhere else."""
    console = output.err()
    console.print(output.line(("pysandbox serves on this machine", "bold"), " (Ctrl-C ends it)"))
    rows = [("API", server.api_origin), ("sandbox", server.sandbox_origin), ("token", server.token)]
    rows += [("plugin", built.manifest.key) for built in server.plugins.all()] or [("plugin", "none; see --plugins")]
    rows += [("may embed", origin) for origin in server.allowed_origins]
    if demo:
        fragment = f"token={server.token}&sandbox={server.sandbox_origin}"
        rows.append(("demo", f"{server.api_origin}/pages/demo.html#{fragment}"))
    for name, value in rows:
        console.print(output.line((f"  {name:10}", "dim"), value))


def _wait_for_the_end() -> None:
    """Until SIGINT or SIGTERM. An event, and no exception, so that nothing is cut off half-way."""
    end = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        end.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        end.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
