"""``pysandbox route``: the proxy routes of a gateway, by which plugins reach APIs without holding a credential."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from pysandbox.cli import output, remote, route_try

EXAMPLES = (
    "Examples:  pysandbox route add route.json  ·  pysandbox route list  ·  "
    "pysandbox route show risk-api > route.json  ·  pysandbox route add route.json --replace")
_PATH = "/api/v2/integrations/proxy/routes"

app = typer.Typer(help="Keep the proxy routes of a gateway.", no_args_is_help=True, epilog=EXAMPLES)
app.command("try")(route_try.attempt)
Name = Annotated[str, typer.Argument(help="The route's name.")]


@app.command("list")
def show_all(
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False
) -> None:
    """The tenant's routes: state, pattern, upstream."""
    told = remote.ask("GET", url, _PATH, token_file)
    if as_json:
        output.json_line(told)
        return
    for route in told["routes"]:
        _print(route)


@app.command("show")
def show(
    name: Name,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """One route's body on stdout, as `add` takes it; its state on stderr."""
    told = remote.ask("GET", url, f"{_PATH}/{remote.segment(name)}", token_file)
    if as_json:
        output.json_line(told)
        return
    body = {key: value for key, value in told.items() if key != "state"}
    typer.echo(json.dumps(body, indent=2))
    output.err().print(output.line("state: ", (told["state"], "bold")))


@app.command("add")
def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The route's JSON; - for stdin.")],
    replace: Annotated[bool, typer.Option("--replace", help="Change the route of this name, which is there.")] = False,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Add a route, or refuse it with every problem. Credentials are named, never written: see `pysandbox vault`."""
    body = _read(file)  # sent as it is: the gateway reads JSON more strictly than we do here
    name = _name_in(body, file)
    method, path = ("PUT", f"{_PATH}/{remote.segment(name)}") if replace else ("POST", _PATH)
    told = remote.ask(method, url, path, token_file, body=body)
    if as_json:
        output.json_line(told)
        return
    _print(told, "changed" if replace else "added")
    if told["state"] == "upstreamMissing":
        output.err().print(output.line(
            ("next: ", "dim"), 'it answers nobody until it names an upstream: {"upstream": {"baseUrl": "https://…"}}'))


@app.command("remove")
def remove(name: Name, url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None) -> None:
    """Remove a route; requests for it are refused within seconds."""
    remote.ask("DELETE", url, f"{_PATH}/{remote.segment(name)}", token_file)
    output.err().print(output.line("removed ", name))


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        output.wrong_use(f"{file} cannot be read: {error.strerror or error}")


def _name_in(body: bytes, file: str) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        output.wrong_use(f"{file} holds no JSON object")
    return str(cast(dict[str, object], told).get("name", ""))


def _print(route: dict[str, Any], what: str = "") -> None:
    upstream = route.get("upstream")
    leads = upstream["baseUrl"] if upstream else "no upstream"
    output.out().print(output.line(
        (f"{what} " if what else "", "green"), (route["name"], "bold"),
        f"  {route['state']}  {route['routePattern']} → {leads}"))
