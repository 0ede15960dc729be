"""All commands, and what they share in their help. Exit codes: 0 ok, 1 the work went wrong, 2 wrong use."""

from __future__ import annotations

from typing import Annotated

import typer

from pysandbox import __version__
from pysandbox.cli import (
    attack,
    audit,
    build,
    check,
    dev,
    doctor,
    flow,
    function,
    new,
    plugin,
    publisher,
    route,
    run,
    runtime,
    serve,
    telemetry,
    test,
    token,
    vault,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="pysandbox",
    help="Run third-party Python plugins in a web page, sealed off from the page.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 the work went wrong, 2 wrong use. Settings can come from PYSANDBOX_* variables.",
)


@app.callback()
def pysandbox(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Run third-party Python plugins in a web page, sealed off from the page."""


app.command("new", epilog=new.EXAMPLES)(new.new)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("dev", epilog=dev.EXAMPLES)(dev.dev)
app.command("test", epilog=test.EXAMPLES)(test.try_out)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("build", epilog=build.EXAMPLES)(build.build)
app.command("serve", help=serve.HELP, epilog=serve.EXAMPLES)(serve.serve)
app.command("function", epilog=function.EXAMPLES)(function.function)
app.command("token", epilog=token.EXAMPLES)(token.token)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("attack", epilog=attack.EXAMPLES)(attack.attack)
app.add_typer(runtime.app, name="runtime")
app.command("audit", epilog=audit.EXAMPLES)(audit.audit)
app.add_typer(plugin.app, name="plugin")
app.add_typer(publisher.app, name="publisher")
app.add_typer(flow.app, name="flow")
app.add_typer(route.app, name="route")
app.add_typer(vault.app, name="vault")
app.add_typer(telemetry.app, name="telemetry")
