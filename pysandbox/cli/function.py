"""``pysandbox function``: one plugin as a function behind HTTP, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pysandbox.cli import output
from pysandbox.cli.ending import Ending
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from pysandbox.gateway.function import Function
    from pysandbox.invoker.port import Runnable
    from pysandbox.invoker.tenancy import Told

EXAMPLES = (
    "Examples:  pysandbox function examples/risk_scoring  ·  "
    "pysandbox function risk.zip --host 0.0.0.0 --token-file /run/secrets/token")


def function(
    plugin: Annotated[Path, typer.Argument(metavar="BUNDLE", exists=True, help="A bundle, or a plugin's folder.")],
    host: Annotated[str, typer.Option(envvar="PYSANDBOX_FUNCTION_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(
        envvar=["PYSANDBOX_FUNCTION_PORT", "PORT"], min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    token_file: Annotated[Path | None, typer.Option(
        envvar="PYSANDBOX_FUNCTION_TOKEN_FILE", exists=True, dir_okay=False,
        help="File with the bearer token that callers must send.")] = None,
    no_token: Annotated[bool, typer.Option(
        "--no-token", envvar="PYSANDBOX_FUNCTION_NO_TOKEN", help="Whoever reaches it may call it.")] = False,
    tenant: Annotated[str, typer.Option(
        envvar="PYSANDBOX_FUNCTION_TENANT", help="The one tenant that it runs for.")] = "",
    spares: Annotated[int, typer.Option(
        envvar="PYSANDBOX_FUNCTION_SPARES", min=0, max=4, help="Processes that wait to replace one that ends.")] = 1,
    dist: Annotated[Path | None, typer.Option(
        metavar="DIR", exists=True, file_okay=False, help="Runtime to start from; default: the package's own.")] = None,
) -> None:  # fmt: skip
    """Serve one plugin over HTTP: POST a CloudEvent to /, and be answered its outcome. No session, no guarded API."""
    from pysandbox.gateway.config_checks import is_loopback  # noqa: PLC0415  # imported when it runs: --help stays fast

    token = token_file.read_text().strip() if token_file else ""
    if token_file and not token:
        output.wrong_use(f"{token_file} is empty: it must hold the token")
    if not token and not no_token and not is_loopback(host):
        output.wrong_use("who may call it? Give a --token-file, or --no-token where something else keeps others out")
    try:
        _serve(_runnable(plugin, tenant), host, port, token, spares, dist)
    except SandboxError as error:
        output.give_up(error, output.FAILED)
    output.err().print(output.line("stopped"))


def _runnable(path: Path, tenant: str) -> Runnable:
    """The plugin of a bundle or a folder. Raises `SandboxError`."""
    from pysandbox.cli.bundle_file import body_of, bundle_of  # noqa: PLC0415  # as above
    from pysandbox.core.manifest import parse_manifest  # noqa: PLC0415
    from pysandbox.invoker.port import Runnable  # noqa: PLC0415

    body = body_of(path)
    manifest, (bundle, sha256) = parse_manifest(body["manifest"]), bundle_of(body)
    return Runnable(tenant, manifest, bundle, sha256, tuple(manifest.permissions))


def _serve(plugin: Runnable, host: str, port: int, token: str, spares: int, dist: Path | None) -> None:
    from pysandbox.core.limits import default  # noqa: PLC0415  # as above
    from pysandbox.gateway.function import open_function  # noqa: PLC0415
    from pysandbox.gateway.running import Running, bind  # noqa: PLC0415

    opened: list[Function] = []

    @asynccontextmanager
    async def open_apps() -> AsyncGenerator[Sequence[ASGIApp]]:
        async with open_function(plugin, dist=dist, token=token, spares=spares, listen=_tell) as function:
            opened.append(function)
            yield [function.app()]

    sockets = bind(host, [port])
    # What is under way may end; its own deadline sees to it that it does.
    drain_s = -(-(plugin.manifest.max_execution_time_ms + default("graceMs")) // 1000) + 1
    running = Running(open_apps, sockets, drain_s=drain_s)
    at = f"[{host}]" if ":" in host else host
    with Ending() as ending:
        output.err().print(output.line(
            (plugin.key, "bold"), f" answers on http://{at}:{sockets[0].getsockname()[1]} (Ctrl-C ends it)"))
        ending.wait()
        opened[0].stopping = True
        running.close()


def _tell(told: Told) -> None:
    """What the plugin says, as a line of the container's log."""
    line = {"kind": told.kind, "plugin": told.plugin, "correlationId": told.correlation_id,
            "payload": json.loads(told.payload)}  # fmt: skip
    typer.echo(json.dumps(line, separators=(",", ":")), err=True)
