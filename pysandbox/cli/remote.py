"""Administration over the gateway's API: what `plugin`, `publisher`, `route`, `vault` and `audit` share.

The token comes from a file or a variable, never from the command line, which other users of the machine can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import typer

from pysandbox.cli import output
from pysandbox.core.errors import Code, Problem, SandboxError

TOKEN_VARIABLE: Final = "PYSANDBOX_TOKEN"  # noqa: S105  # a variable's name
_TIMEOUT_S: Final = 30

Url = Annotated[
    str, typer.Option("--url", metavar="URL", envvar="PYSANDBOX_URL", help="The gateway's API.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", envvar="PYSANDBOX_TOKEN_FILE", exists=True, dir_okay=False,
        help=f"File that holds a platform token; without it, {TOKEN_VARIABLE}.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")]
DEFAULT_URL: Final = "http://127.0.0.1:8900"


class _NoRedirect(HTTPRedirectHandler):
    """A token goes to the address that was given, and nowhere else."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers``: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    method: str, url: str, path: str, token_file: Path | None, *, body: bytes | None = None,
    content_type: str = "application/json",
) -> Any:
    """The JSON of the answer, None where it has none. Shows the gateway's error and ends the command otherwise."""
    headers = {} if body is None else {"Content-Type": content_type}
    answer = send(method, url, path, platform_token(token_file), headers, body)
    if not 200 <= answer.status < 300:
        output.give_up(error_of(answer), output.FAILED)
    return json.loads(answer.body) if answer.body else None


def send(
    method: str, url: str, path: str, token: str, headers: Mapping[str, str], body: bytes | None = None
) -> Answer:
    """Whatever the answer is. Ends the command where there is none."""
    if not url.startswith(("http://", "https://")):
        output.wrong_use("--url starts with http:// or https://")
    request = Request(  # noqa: S310  # checked above
        url.rstrip("/") + path, data=body, headers={"Authorization": f"Bearer {token}", **headers}, method=method)
    try:
        # No proxy of the environment's: a token would go through it, and loopback cannot be reached from there.
        with build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=_TIMEOUT_S) as answer:
            return Answer(answer.status, _lower(answer.headers), answer.read())
    except HTTPError as refused:
        with refused:
            return Answer(refused.code, _lower(refused.headers), refused.read())
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        output.give_up(
            SandboxError(Code.INPUT_INVALID, f"{url} does not answer ({reason}); is `pysandbox serve` running there?"),
            output.FAILED)


def error_of(answer: Answer) -> SandboxError:
    """The gateway's envelope as the error it was."""
    try:
        told = json.loads(answer.body)["error"]
        details = [Problem(one["path"], one["rule"], one["cure"]) for one in told["details"]]
        return SandboxError(Code(told["code"]), told["message"], details=details)
    except (ValueError, KeyError, TypeError):
        return SandboxError(Code.INTERNAL_ERROR, f"the address answered {answer.status}, and not as a gateway does")


def segment(text: str) -> str:
    """``text`` as one segment of a path."""
    return quote(text, safe="")


def platform_token(file: Path | None) -> str:
    """What ``--token-file`` or the variable holds. Ends the command where that is no token."""
    token = (os.environ.get(TOKEN_VARIABLE, "") if file is None else file.read_text()).strip()
    if not token or not token.isascii() or not token.isprintable():
        output.wrong_use(f"a platform token is needed: pass --token-file FILE, or set {TOKEN_VARIABLE}")
    return token


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
