"""``pysandbox telemetry``: what plugins did, from a gateway: figures by group, records as they come, what fires."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer

from pysandbox.cli import configured, output, remote
from pysandbox.core.errors import SandboxError

_AT: Final = "/api/v2/telemetry"
_POLL_S: Final = 1.0
_BATCH: Final = 500
app = typer.Typer(
    help="Read what a gateway's plugins did: no payload and no person is in it.", no_args_is_help=True,
    epilog="Needs a platform token with the scope telemetry:records:read.")

alerts_app = typer.Typer(help="What fires now; or send a test alert.")
app.add_typer(alerts_app, name="alerts")


class By(StrEnum):
    """What figures are grouped by."""

    PLUGIN = "plugin"
    VENDOR = "vendor"
    QUEUE = "queue"
    ENVIRONMENT = "environment"
    CONTEXT = "context"


Plugin = Annotated[str | None, typer.Option("--plugin", metavar="ID", help="Of this plugin alone.")]
Status = Annotated[str | None, typer.Option("--status", metavar="STATUS", help="Outcomes of this status alone.")]


@app.command("top", epilog="Example:  pysandbox telemetry top --by queue --minutes 60")
def top(
    by: Annotated[By, typer.Option(help="What to group by.")] = By.PLUGIN,
    minutes: Annotated[int, typer.Option(min=1, max=576_000, help="How far back.")] = 60,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Figures by group: those that fail most first, then the slowest."""
    told = remote.ask("GET", url, f"{_AT}/health?{urlencode({'by': by.value, 'minutes': minutes})}", token_file)
    if as_json:
        output.json_line(told)
        return
    groups: dict[str, dict[str, Any]] = told["groups"]
    shown = sorted(
        ((name, one) for name, one in groups.items() if one["count"]),
        key=lambda item: (-item[1]["errorRate"], -(item[1]["p95Ms"] or 0)))
    console = output.out()
    if not shown:
        output.err().print(f"nothing was invoked in the last {minutes} minutes")
    for name, one in shown:
        bad = one["errorRate"] > 0
        console.print(output.line(
            (output.set_in(name) or "(none)", "bold"), f"  {one['count']} calls  ",
            (f"{one['errorRate']:.1%} failed", "red" if bad else ""),
            f"  p50 {_ms(one['p50Ms'])}  p95 {_ms(one['p95Ms'])}  p99 {_ms(one['p99Ms'])}  "
            f"{one['memoryMB'] or 0:.0f} MB  {one['killed']} killed"))
    gap = sum(one["gap"] for one in groups.values())
    if gap:
        output.err().print(f"{gap} records never came: a browser could not keep them")


@app.command("tail", epilog="Example:  pysandbox telemetry tail --plugin com.vendor.risk-scoring --follow")
def tail(
    plugin: Plugin = None,
    status: Status = None,
    correlation: Annotated[
        str | None, typer.Option("--correlation", metavar="ID", help="Of this correlation id alone.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=_BATCH, help="So many of the newest.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """The newest records, newest last; with --json one line of JSON for each."""
    chosen = _chosen(plugin, status, correlation)
    query: dict[str, object] = {**chosen, "limit": lines}
    try:
        while True:
            for one in _records(url, token_file, query):
                query = {**chosen, "after": one["seq"], "limit": _BATCH}
                _show(one, as_json)
            if not follow:
                return
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        return


@app.command("export", epilog="Example:  pysandbox telemetry export --after 0 > records.jsonl")
def export(
    after: Annotated[
        int, typer.Option(min=0, help="Records behind this seq: the last that an earlier export had.")] = 0,
    most: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100_000,
    plugin: Plugin = None,
    status: Status = None,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
) -> None:
    """Every record as one line of JSON on stdout, oldest first; how many there were on stderr."""
    written, last = 0, after
    chosen = _chosen(plugin, status, None)
    while written < most:
        found = _records(url, token_file, {**chosen, "after": last, "limit": min(_BATCH, most - written)})
        if not found:
            break
        for one in found:
            output.json_line(one)
        written, last = written + len(found), found[-1]["seq"]
    output.err().print(f"{written} records, the last with seq {last}")


@app.command("erase", epilog="Example:  pysandbox telemetry erase agent-7 --yes")
def erase(
    subject: Annotated[str, typer.Argument(metavar="USER", help="The user, as platform tokens name them.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Erase every record of one user. Needs the scope telemetry:records:erase, and is in the audit record."""
    if not yes and not typer.confirm(f"erase every record of {output.printable(subject)}?", err=True):
        raise typer.Exit(output.FAILED)
    told = remote.ask("DELETE", url, f"{_AT}/subjects?{urlencode({'subject': subject})}", token_file)
    if as_json:
        output.json_line(told)
    else:
        output.out().print(f"erased {told['erased']} records")


@alerts_app.callback(invoke_without_command=True, epilog="Example:  pysandbox telemetry alerts --json")
def alerts(
    context: typer.Context,
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False,
) -> None:
    """What fires now; or send a test alert."""
    if context.invoked_subcommand is not None:
        return
    told = remote.ask("GET", url, f"{_AT}/alerts", token_file)
    if as_json:
        output.json_line(told)
        return
    for one in told["alerts"]:
        output.out().print(output.line(
            (one["rule"], "bold red"), f"  {one['group'] or '(none)'}  {one['value']:g}  since ",
            (_time(one["since"]), "dim")))
    if not told["alerts"]:
        output.err().print("nothing fires")


@alerts_app.command("test", epilog="Example:  PYSANDBOX_ALERT_WEBHOOK=https://… pysandbox telemetry alerts test")
def send_test(config: configured.Config = None) -> None:
    """Send an alert and its end from here, to the webhook of the gateway's settings. Nothing really happened."""
    from pysandbox.gateway.telemetry.alerting import test_notices  # noqa: PLC0415  # heavy
    from pysandbox.gateway.telemetry.running import notifier  # noqa: PLC0415

    settings = configured.chosen(config)
    if not settings.alert_webhook:
        output.err().print("no webhook is set: alerts go into the log alone")
        raise typer.Exit(output.FAILED)

    async def send() -> None:
        notify = notifier(settings)
        for notice in test_notices(int(time.time())):
            await notify(notice)

    try:
        asyncio.run(send())
    except SandboxError as error:
        output.give_up(error)
    output.out().print("the webhook took a test alert and its end")


def _chosen(plugin: str | None, status: str | None, correlation: str | None) -> dict[str, object]:
    given = {"pluginId": plugin, "status": status, "correlationId": correlation}
    return {name: value for name, value in given.items() if value is not None}


def _records(url: str, token_file: Path | None, query: dict[str, object]) -> list[dict[str, Any]]:
    return remote.ask("GET", url, f"{_AT}/records?{urlencode(query)}", token_file)["records"]


def _show(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.json_line(one)
        return
    said, style = _said(one)
    output.out().print(output.line(
        (one["timestamp"], "dim"), f"  {one['pluginId']}@{one['version']}  ", (said, style),
        (f"  {one['correlationId']}", "dim")))


def _said(one: dict[str, Any]) -> tuple[str, str]:
    if one["kind"] == "log":
        return f"{one['log']['level']}: {one['log']['message']}", ""
    if one["kind"] == "alert":
        return f"security alert {one['alert']['code']} {one['alert']['rule']}", "bold red"
    if one["kind"] == "request":
        request, status = one["request"], one["metrics"]["statusCode"]
        said = f"{request['method']} {request['route']} {status} {_ms(one['metrics']['durationMs'])}"
        return f"{said} {one['code'] or ''}".rstrip(), "yellow" if one["code"] else "cyan"
    good = one["status"] == "ok"
    said = f"{one['handler']} {one['status']} {_ms(one['metrics']['durationMs'])}"
    if good:
        return said, "green"
    why = one["errorDetails"]  # a page sends records too, and need not say why
    return f"{said} {one['code']}" + (f": {why['message']}" if why else ""), "red"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
