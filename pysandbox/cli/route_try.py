"""``pysandbox route try``: one request through a proxy route, as a plugin's would go, to see whether the route works.

It opens a session of the token's own user, signs the request as the browser's side does, and ends the session.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pysandbox.cli import output, remote
from pysandbox.core import proxy_nonce

NONCE_LIFE_MS = 20_000
_SESSIONS = "/api/v2/sessions"


def attempt(
    path: Annotated[str, typer.Argument(metavar="PATH", help="As a plugin asks: /proxy/vendor/risk/evaluate?x=1.")],
    plugin: Annotated[
        str, typer.Option(metavar="ID@VERSION", help="In whose name: enabled, granted integration:proxy:invoke.")],
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="The body, JSON.")] = None,
    method: Annotated[
        str | None, typer.Option(metavar="METHOD", help="Default: GET, with --data POST.")] = None,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """Send one request through a route, as a plugin's would go. Exit code 0 when the API behind it answered 2xx."""
    if not path.startswith("/proxy/"):
        output.wrong_use("PATH begins with /proxy/")
    body = None if data is None else data.read_bytes()
    verb = (method or ("GET" if data is None else "POST")).upper()
    session = remote.ask("POST", url, _SESSIONS, token_file)
    try:
        headers = _signed(session, plugin, verb, path, body)
        answer = remote.send(verb, url, path, session["token"], headers, body)
    finally:
        remote.send("DELETE", url, f"{_SESSIONS}/current", session["token"], {})
    _show(answer, as_json)


def _signed(session: dict[str, Any], plugin: str, method: str, path: str, body: bytes | None) -> dict[str, str]:
    raw, _, query = path.partition("?")
    kind = "" if body is None else "application/json"
    bound = proxy_nonce.Bound(session["sessionId"], plugin, method, raw, query, content_type=kind, body=body or b"")
    nonce = proxy_nonce.make(
        session["nonceSeed"], bound, counter=0, expires_at_ms=time.time_ns() // 1_000_000 + NONCE_LIFE_MS)
    return {"Pysandbox-Plugin": plugin, "Pysandbox-Nonce": nonce, **({"Content-Type": kind} if kind else {})}


def _show(answer: remote.Answer, as_json: bool) -> None:
    outcome = answer.headers.get("pysandbox-outcome", "gateway")
    if outcome == "gateway":
        output.give_up(remote.error_of(answer), output.FAILED)
    text = answer.body.decode(errors="replace")
    if as_json:
        output.json_line({"status": answer.status, "outcome": outcome, "headers": answer.headers, "body": text})
    else:
        output.out().print(output.line(text))
        output.err().print(output.line(("status ", "dim"), str(answer.status), (f"  {outcome}", "dim")))
    if not 200 <= answer.status < 300:
        raise typer.Exit(output.FAILED)
