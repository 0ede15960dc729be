"""``pysandbox audit``: who did what to a gateway's plugins, grants, routes and secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import typer

from pysandbox.cli import output, remote

EXAMPLES = (
    "Examples:  pysandbox audit --limit 20  ·  pysandbox audit --target com.example.risk@1.0.0  ·  "
    "pysandbox audit --since 2026-01-31 --json")


def audit(
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this plugin (ID@VERSION), route, publisher or secret.")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="By this person or service.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on: a date or time in ISO 8601, or epoch ms.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The newest so many.")] = 100,
    url: remote.Url = remote.DEFAULT_URL,
    token_file: remote.TokenFile = None,
    as_json: remote.Json = False,
) -> None:
    """What was changed, by whom and when; the newest first."""
    query: dict[str, object] = {"limit": limit}
    given = {"target": target, "actor": actor, "since": None if since is None else _epoch_ms(since)}
    query.update({name: value for name, value in given.items() if value is not None})
    told = remote.ask("GET", url, f"/api/v2/audit?{urlencode(query)}", token_file)
    if as_json:
        output.json_line(told)
        return
    for entry in told["entries"]:
        when = datetime.fromtimestamp(entry["at"] / 1000, UTC).isoformat(timespec="seconds")
        output.out().print(output.line(
            (when, "dim"), f"  {entry['actor']}  ", (entry["action"], "bold"), f"  {entry['target']}  ",
            (json.dumps(entry["detail"], ensure_ascii=False), "dim")))


def _epoch_ms(text: str) -> int:
    """A time without a zone is this machine's."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return max(0, int(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        output.wrong_use(f"--since {text} is no time: write it as 2026-01-31, 2026-01-31T12:00Z, or epoch milliseconds")
