"""``pysandbox token``: a platform token for a gateway of this machine, signed by the key in its data folder."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from pysandbox.cli import configured, output
from pysandbox.core.errors import SandboxError

EXAMPLES = (
    "Examples:  pysandbox token > admin.token  ·  pysandbox token --scope webchat:session:read --subject ann  ·  "
    "PYSANDBOX_TOKEN=$(pysandbox token) pysandbox route list")


def token(
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What the token opens; may be repeated. Default: everything.")] = None,
    subject: Annotated[str, typer.Option(metavar="NAME", help="Whose token it is.")] = "developer",
    tenant: Annotated[str, typer.Option(metavar="NAME", help="The tenant whose rows it sees.")] = "development",
    life_s: Annotated[int, typer.Option(min=1, max=86_400, help="How many seconds it is good for.")] = 3600,
    config: configured.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")] = False,
) -> None:
    """Print a development token. Refused where the gateway listens beyond loopback, or takes the platform's tokens."""
    from pysandbox.gateway.auth import development  # noqa: PLC0415  # when it runs: --help stays fast
    from pysandbox.gateway.auth.principal import SCOPES  # noqa: PLC0415

    settings, now_s = configured.chosen(config), int(time.time())
    try:
        printed = development.sign(
            development.development_key(settings), subject=subject, tenant=tenant, scopes=scope or sorted(SCOPES),
            now_s=now_s, life_s=life_s, tenant_claim=settings.tenant_claim, scope_claim=settings.scope_claim)
    except SandboxError as error:
        output.give_up(error)
    if as_json:
        output.json_line({"token": printed, "expiresAt": (now_s + life_s) * 1000})
    else:
        typer.echo(printed)
