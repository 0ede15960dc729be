"""``pysandbox serve``: both origins until Ctrl-C; the gateway, or with ``--plugins`` folders without a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import configured, faults, output
from pysandbox.cli.ending import Ending
from pysandbox.core.errors import SandboxError
from pysandbox.gateway.settings import Settings, settings_help

if TYPE_CHECKING:
    from pysandbox.gateway.serve import DevServer
    from pysandbox.gateway.server import GatewayServer

EXAMPLES = (
    "Examples:  pysandbox serve  ·  pysandbox serve --config gateway.toml  ·  "
    "pysandbox serve --plugins examples/risk_scoring  ·  pysandbox serve --demo --plugins examples")
HELP = """Serve the gateway: registry, sessions, API proxy. With --plugins: folders of plugins, on this machine alone.

Settings of the gateway, as variables; in the file of --config they are written small and without PYSANDBOX_:

\b
""" + "\n\n".join(
    f"{name}{f'={default}' if default else ''}\n    {meaning}" for name, default, meaning in settings_help())


def serve(
    more: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Further plugin folders.")] = None,
    plugins: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugins", metavar="DIR", envvar="PYSANDBOX_PLUGINS", exists=True, file_okay=False,
            help="A plugin's folder, or a folder of such folders. May be repeated, or followed by more."),
    ] = None,
    config: configured.Config = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = None,
    sandbox_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the sandbox's own origin.")] = None,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Origin whose pages may embed the sandbox. May be repeated."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    dist: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Browser bundle to serve; default: the package's own."),
    ] = None,
    chaos: faults.ChaosText = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the demo pages too, and print their address.")] = False,
    selftest: Annotated[
        bool,
        typer.Option("--selftest", help="Serve the plugin that attacks too, and print the address of the self-test."),
    ] = False,
) -> None:
    """See `HELP`. Plugins from folders, demo pages, self-test and chaos are for development: with one of them there is
    no gateway."""
    settings = configured.chosen(
        config, port=port, sandbox_port=sandbox_port, allowed_origins=allowed_origin or None, host=host, dist=dist)
    given = [*(plugins or []), *(more or [])]
    if given or demo or chaos or selftest:
        _serve_folders(given, settings, chaos, demo=demo, selftest=selftest)
    else:
        _serve_gateway(settings)
    output.err().print(output.line("stopped"))


def plugin_folders(given: Path) -> list[Path]:
    """``given`` itself, or the plugin folders right below it when it is none."""
    if (given / "manifest.json").exists() or not given.is_dir():
        return [given]
    below = sorted(path.parent for path in given.glob("*/manifest.json"))
    return below or [given]


def _serve_gateway(settings: Settings) -> None:
    from pysandbox.gateway.garbage import settle  # noqa: PLC0415  # imported when it runs: --help stays fast
    from pysandbox.gateway.logs import to_stderr  # noqa: PLC0415
    from pysandbox.gateway.server import GatewayServer  # noqa: PLC0415

    try:
        server = GatewayServer(settings)
    except SandboxError as error:
        output.give_up(error)
    to_stderr()
    with Ending() as ending, server:
        settle()
        _announce_gateway(server)
        ending.wait()


def _serve_folders(
    given: list[Path], settings: Settings, chaos: str | None, *, demo: bool, selftest: bool
) -> None:
    from pysandbox.gateway.selftest import ATTACKER  # noqa: PLC0415  # imported when it runs: --help stays fast
    from pysandbox.gateway.serve import DevServer  # noqa: PLC0415

    folders = [folder for one in given for folder in plugin_folders(one)]
    try:
        server = DevServer(
            [*folders, ATTACKER] if selftest else folders, api_port=settings.port,
            sandbox_port=settings.sandbox_port, allowed_origins=settings.allowed_origins, host=settings.host,
            with_pages=demo, dist=settings.dist, reload=True, resolve=output.resolver(), chaos=faults.chosen(chaos))
    except SandboxError as error:
        output.give_up(error)
    with Ending() as ending, server:
        _announce(server, demo=demo, selftest=selftest)
        ending.wait()


def _announce_gateway(server: GatewayServer) -> None:
    settings = server.settings
    rows = [("API", server.api_origin + settings.path_prefix), ("sandbox", server.sandbox_origin)]
    rows.append(("database", "as set" if settings.database_url else str(settings.data_dir)))
    rows.append(("tokens", settings.jwt_issuer or "of this machine: see `pysandbox token --help`"))
    rows += [("may embed", origin) for origin in server.places.allowed_origins]
    _print_rows("the pysandbox gateway serves", rows)


def _announce(server: DevServer, *, demo: bool, selftest: bool) -> None:
    """Where everything is. The token stands here and nowhere else."""
    rows = [("API", server.api_origin), ("sandbox", server.sandbox_origin), ("token", server.token)]
    rows += [("plugin", built.manifest.key) for built in server.plugins.all()] or [("plugin", "none; see --plugins")]
    rows += [("may embed", origin) for origin in server.allowed_origins]
    if demo:
        fragment = f"token={server.token}&sandbox={server.sandbox_origin}"
        rows.append(("demo", f"{server.api_origin}/pages/demo.html#{fragment}"))
    if selftest:
        rows.append(("self-test", f"{server.api_origin}/selftest#token={server.token}"))
    _print_rows("pysandbox serves on this machine", rows)


def _print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    console = output.err()
    console.print(output.line((title, "bold"), " (Ctrl-C ends it)"))
    for name, value in rows:
        console.print(output.line((f"  {name:10}", "dim"), value))
