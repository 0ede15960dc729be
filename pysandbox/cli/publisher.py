"""``pysandbox publisher``: whose signatures a gateway knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pysandbox.cli import bundle_file, output, remote
from pysandbox.core.errors import SandboxError

EXAMPLES = "Examples:  pysandbox publisher add vendor --key public.pem  ·  pysandbox publisher list"
_PATH = "/api/v2/publishers"

app = typer.Typer(help="Keep the publishers whose signatures a gateway knows.", no_args_is_help=True, epilog=EXAMPLES)
Name = Annotated[str, typer.Argument(help="The publisher's name: a-z, 0-9, dot, dash, underscore.")]


@app.command("list")
def show_all(
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False
) -> None:
    """The tenant's publishers and their public keys."""
    told = remote.ask("GET", url, _PATH, token_file)
    if as_json:
        output.json_line(told)
        return
    for publisher in told["publishers"]:
        output.out().print(output.line((publisher["name"], "bold"), f"  {publisher['publicKey']}"))


@app.command("add")
def add(
    name: Name,
    key: Annotated[
        Path, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="PEM file of its Ed25519 public key.")],
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Register a publisher. Its key is never replaced: remove the publisher first."""
    try:
        body = {"name": name, "publicKey": bundle_file.public_key(key)}
    except SandboxError as error:
        output.give_up(error)
    told = remote.ask("POST", url, _PATH, token_file, body=json.dumps(body).encode())
    if as_json:
        output.json_line(told)
    else:
        output.out().print(output.line(("registered ", "green"), (told["name"], "bold"), f"  {told['publicKey']}"))


@app.command("remove")
def remove(name: Name, url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None) -> None:
    """Forget a publisher. What it signed stays as it is."""
    remote.ask("DELETE", url, f"{_PATH}/{remote.segment(name)}", token_file)
    output.err().print(output.line("removed ", name))
