"""``pysandbox vault``: the embedded vault of a gateway. Secrets go in; none comes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from pysandbox.cli import output, remote

EXAMPLES = (
    "Examples:  pysandbox vault key  ·  pysandbox vault put vendor/risk --host api.vendor.com < secret.json  ·  "
    "pysandbox vault list")
_PATH = "/api/v2/vault/secrets"

app = typer.Typer(help="Keep credentials in the gateway's embedded vault.", no_args_is_help=True, epilog=EXAMPLES)
Name = Annotated[str, typer.Argument(help="The secret's name: NAME of embedded://NAME.")]


@app.command("key")
def key() -> None:
    """Print a new key, for PYSANDBOX_VAULT_KEY."""
    from pysandbox.gateway.vault.keys import new_key  # noqa: PLC0415  # when it runs: --help stays fast

    typer.echo(new_key())


@app.command("put")
def put(
    name: Name,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, metavar="FILE",
            help="JSON object of the values (clientId, clientSecret, tokenUrl; apiKey; token; …). Default: stdin."),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Host that may receive it, with :PORT unless 443. May be repeated."),
    ] = None,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Keep a secret, or replace it. Values come from a file or stdin: a command line can be read by others."""
    document = _document(sys.stdin.read() if file is None else file.read_text())
    if host:
        document["hosts"] = host
    kept = remote.ask("PUT", url, _path(name), token_file, body=json.dumps(document).encode())
    if as_json:
        output.json_line(kept)
    else:
        output.out().print(output.line(("kept ", "green"), kept["secretRef"], f" for {', '.join(kept['hosts'])}"))


@app.command("list")
def show(
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False
) -> None:
    """The tenant's secrets: names, hosts, and what each holds; no value."""
    told = remote.ask("GET", url, _PATH, token_file)
    if as_json:
        output.json_line(told)
        return
    for secret in told["secrets"]:
        output.out().print(output.line(
            (secret["secretRef"], "bold"), f"  {', '.join(secret['values'])} → {', '.join(secret['hosts'])}"))


@app.command("delete")
def delete(name: Name, url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None) -> None:
    """Forget a secret."""
    remote.ask("DELETE", url, _path(name), token_file)
    output.err().print(output.line("deleted ", f"embedded://{name}"))


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='/')}"


def _document(text: str) -> dict[str, object]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None  # what it was is not shown: it may be the secret
    if not isinstance(told, dict):
        output.wrong_use("the secret is one JSON object of names and strings")
    return cast(dict[str, object], told)
