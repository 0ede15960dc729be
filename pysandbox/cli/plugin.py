"""``pysandbox plugin``: a gateway's registry: which versions are there, in which state, with which permissions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pysandbox.cli import bundle_file, output, remote
from pysandbox.core.errors import SandboxError

EXAMPLES = (
    "Examples:  pysandbox plugin add examples/risk_scoring  ·  "
    "pysandbox plugin grant com.example.risk@1.0.0 --all  ·  pysandbox plugin enable com.example.risk@1.0.0")
_PATH = "/api/v2/plugins"

app = typer.Typer(
    help="Keep the plugins of a gateway: register, consent to, enable, block.", no_args_is_help=True, epilog=EXAMPLES)
Version = Annotated[str, typer.Argument(metavar="ID@VERSION", help="One version of a plugin, as `plugin list` shows.")]


@app.command("list")
def show_all(
    url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None, as_json: remote.Json = False
) -> None:
    """The tenant's versions: state, permissions, publisher."""
    told = remote.ask("GET", url, _PATH, token_file)
    if as_json:
        output.json_line(told)
        return
    for version in told["plugins"]:
        _print(version)


@app.command("show")
def show(
    version: Version,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """One version: what it asks for, what was agreed to, and the identity that consent is bound to."""
    told = remote.ask("GET", url, _path(version), token_file)
    if as_json:
        output.json_line(told)
        return
    _print(told)
    granted = told["granted"]
    for name, value in (
        ("asks for", ", ".join(told["permissions"]) or "nothing"),
        ("granted", "not consented to yet" if granted is None else ", ".join(granted) or "nothing"),
        ("identity", told["identity"]),
        ("added by", told["createdBy"]),
    ):
        output.out().print(output.line((f"  {name:<10}", "dim"), value))


@app.command("log")
def log(
    version: Version,
    after: Annotated[int, typer.Option(min=0, help="What is behind this number: the last that was told before.")] = 0,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """What your own plugin logged and raised, redacted, if the operator agreed to plugin:log:export."""
    last = after
    while True:
        told = remote.ask("GET", url, f"{_path(version)}/log?after={last}&limit=500", token_file)
        for line in told["lines"]:
            if as_json:
                output.json_line(line)
            else:
                said = f"  {line['level']}: {line['message']}"
                output.out().print(output.line((line["at"], "dim"), said, (f"  {line['correlationId']}", "dim")))
        if told["last"] == last:
            break
        last = told["last"]
    output.err().print(f"the last has the number {last}")


@app.command("add")
def add(
    source: Annotated[
        Path, typer.Argument(metavar="ZIP|DIR", exists=True, help="A built bundle, or a plugin's folder.")],
    publisher: Annotated[
        str | None, typer.Option(metavar="NAME", help="The registered publisher that signs it; with --key.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="PEM file of its Ed25519 private key."),
    ] = None,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Register a version. It is a draft: grant it permissions, then enable it."""
    if (publisher is None) != (key is None):
        output.wrong_use("--publisher and --key go together")
    try:
        body = bundle_file.body_of(source)
        if publisher is not None and key is not None:
            bundle_file.sign(body, publisher, key)
    except SandboxError as error:
        output.give_up(error, output.FAILED)
    told = remote.ask("POST", url, _PATH, token_file, body=json.dumps(body).encode())
    _done("registered", told, as_json)
    if not as_json and told["state"] == "draft":
        key_of = f"{told['pluginId']}@{told['version']}"
        output.err().print(output.line(
            ("next: ", "dim"), f"pysandbox plugin grant {key_of} --all; pysandbox plugin enable {key_of}"))


@app.command("grant")
def grant(
    version: Version,
    permissions: Annotated[
        list[str] | None, typer.Argument(metavar="PERMISSION", help="Of those that the manifest asks for.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the manifest asks for.")] = False,
    identity: Annotated[
        str | None,
        typer.Option(
            metavar="HEX", help="The manifest and bundle agreed to, as `add` and `show` tell; then nothing is asked."),
    ] = None,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Consent to permissions of exactly this manifest and bundle; it replaces what was agreed to before."""
    if bool(permissions) == everything:
        output.wrong_use("name the permissions to grant, or pass --all")
    asked = remote.ask("GET", url, _path(version), token_file)
    granted: list[str] = asked["permissions"] if everything else permissions or []
    if identity is None:
        _confirm(asked, granted)
    told = _consent(version, granted, identity or asked["identity"], url, token_file)
    _done("granted", told, as_json)


@app.command("revoke")
def revoke(
    version: Version,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Take every permission back."""
    asked = remote.ask("GET", url, _path(version), token_file)
    _done("revoked", _consent(version, [], asked["identity"], url, token_file), as_json)


@app.command("enable")
def enable(
    version: Version,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Let pages load this version."""
    _set_state(version, "enabled", url, token_file, as_json)


@app.command("disable")
def disable(
    version: Version,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Let no page load this version any more; where it runs it may end its work."""
    _set_state(version, "disabled", url, token_file, as_json)


@app.command("block")
def block(
    version: Version,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Stop this version everywhere within seconds, in open pages too."""
    _set_state(version, "blocked", url, token_file, as_json)


@app.command("remove")
def remove(version: Version, url: remote.Url = remote.DEFAULT_URL, token_file: remote.TokenFile = None) -> None:
    """Forget a version that is a draft or disabled. Nothing else can be registered under its name."""
    remote.ask("DELETE", url, _path(version), token_file)
    output.err().print(output.line("removed ", version))


def _confirm(asked: dict[str, Any], granted: Sequence[str]) -> None:
    """Ends the command unless the person in front of it agrees."""
    console = output.err()
    console.print(output.line((f"{asked['pluginId']}@{asked['version']}", "bold"), f"  identity {asked['identity']}"))
    for name in asked["permissions"]:
        mark = ("  ✓ ", "green") if name in granted else ("  · ", "dim")
        console.print(output.line(mark, name, ("" if name in granted else "  (not granted)", "dim")))
    if not typer.confirm("Grant this?", err=True):
        raise typer.Exit(output.FAILED)


def _consent(version: str, permissions: Sequence[str], identity: str, url: str, token_file: Path | None) -> Any:
    body = {"permissions": list(permissions), "identity": identity}
    return remote.ask("PUT", url, f"{_path(version)}/grant", token_file, body=json.dumps(body).encode())


def _set_state(version: str, state: str, url: str, token_file: Path | None, as_json: bool) -> None:
    body = json.dumps({"state": state}).encode()
    _done(state, remote.ask("PATCH", url, _path(version), token_file, body=body), as_json)


def _path(version: str) -> str:
    plugin_id, at, number = version.partition("@")
    if not (plugin_id and at and number):
        output.wrong_use(f"{version} names no version: write ID@VERSION, as in com.example.risk@1.0.0")
    return f"{_PATH}/{remote.segment(plugin_id)}/versions/{remote.segment(number)}"


def _done(what: str, told: Any, as_json: bool) -> None:
    if as_json:
        output.json_line(told)
    else:
        _print(told, what)


def _print(version: dict[str, Any], what: str = "") -> None:
    granted = version["granted"]
    said = "not consented to" if granted is None else f"{len(granted)} of {len(version['permissions'])} permissions"
    output.out().print(output.line(
        (f"{what} " if what else "", "green"), (f"{version['pluginId']}@{version['version']}", "bold"),
        f"  {version['state']}  {said}", f"  signed by {version['publisher']}" if version["publisher"] else ""))
