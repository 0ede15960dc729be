"""``pysandbox flow deploy|list|start|show|remove``: the flows of a gateway, and their runs on the server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pysandbox.cli import output, remote

_PATH: Final = "/api/v2/flows"
_WAIT_S: Final = 20
FlowId = Annotated[str, typer.Argument(metavar="ID", help="The flow's name.")]


def deploy(
    file: Annotated[str, typer.Argument(metavar="FLOW", help="The flow's JSON; - for stdin.")],
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Keep a flow at a gateway as its newest version, or refuse it with every fault."""
    told = remote.ask("POST", url, _PATH, token_file, body=_read(file))
    if as_json:
        output.json_line(told)
        return
    _print(told, "deployed")


def show_all(
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False
) -> None:
    """The tenant's flows, each in its newest version."""
    told = remote.ask("GET", url, _PATH, token_file)
    if as_json:
        output.json_line(told)
        return
    for flow in told["flows"]:
        _print(flow)


def remove(flow_id: FlowId, url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None) -> None:
    """Remove a flow; runs in progress go on."""
    remote.ask("DELETE", url, f"{_PATH}/{remote.segment(flow_id)}", token_file)
    output.err().print(output.line("removed ", flow_id))


def start(
    flow_id: FlowId,
    file: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="JSON of interaction, webchat, session; - for stdin."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and tell it.")] = False,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Run a flow on the server."""
    path = f"{_PATH}/{remote.segment(flow_id)}/executions"
    query = f"?wait={_WAIT_S}" if wait else ""
    told = remote.ask("POST", url, path + query, token_file, body=b"{}" if file is None else _read(file))
    while wait and told["state"] == "running":
        told = remote.ask("GET", url, f"{path}/{told['executionId']}{query}", token_file)
    _show(told, as_json)


def show(
    execution: Annotated[
        str, typer.Argument(metavar="EXECUTION", help="The run, as `flow start` tells it: FLOW/ID.")],
    journal: Annotated[
        bool, typer.Option("--journal", help="The journal alone, one event a line, as explain and replay read it."),
    ] = False,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """How a run on the server stands or ended."""
    from pysandbox.core.flow.journal import dump_journal  # noqa: PLC0415  # imported when it runs: --help stays fast

    flow_id, slash, execution_id = execution.rpartition("/")
    if not slash:
        output.wrong_use("name the run as `flow start` tells it: FLOW/ID")
    told = remote.ask(
        "GET", url, f"{_PATH}/{remote.segment(flow_id)}/executions/{remote.segment(execution_id)}", token_file)
    if journal:
        typer.echo(dump_journal(told["journal"]), nl=False)
        return
    _show(told, as_json)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        output.wrong_use(f"{file} cannot be read: {error.strerror or error}")


def _print(flow: dict[str, Any], what: str = "") -> None:
    output.out().print(output.line(
        (f"{what} " if what else "", "green"), (flow["flowId"], "bold"),
        f"  version {flow['version']}  longest {flow['worstMs']} of {flow['slaMs']} ms"))


def _show(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.json_line(told)
        return
    console = output.out()
    console.print(output.line((f"{told['flowId']}/{told['executionId']}", "bold"), f"  {told['state']}"))
    if told["state"] == "running":
        return
    for message in told["messages"]:
        console.print(output.line((f"  to {message['to']}  ", "dim"), message["text"]))
    end = told["terminal"]
    if end is not None:
        where = f"queue {end['queueId']}" if end["type"] == "routeToQueue" else f"disconnected: {end['reason']}"
        console.print(output.line(
            ("  ended in ", "dim"), f"{end['block']}: {where}, after {end['durationMs']} of {end['slaMs']} ms"))
        if end["metadata"]:
            console.print(output.line(("  metadata ", "dim"), json.dumps(end["metadata"])))
        for line in str(end["summary"]["text"]).splitlines():
            console.print(output.line("  ", (line, "yellow")))
    if told["errorCode"]:
        console.print(output.line("  ", (told["errorCode"], "bold red")))
