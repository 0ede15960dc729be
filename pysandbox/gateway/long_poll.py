"""What every question for changes has in common: the revision it knows, and how long it may stay open."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from pysandbox.core.errors import Code, Problem, SandboxError

MAX_WAIT_S: Final = 8.0
"""Less than the host worker gives any request."""
_FEW_WAITING: Final = 3  # more than these wait for a shorter time: a browser has six connections for all its tabs


def what_is_known(request: Request) -> int:
    """The query's ``since``; 0 without one. Raises `SandboxError` ``INPUT_INVALID``."""
    since = request.query_params.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) <= 15):
        raise SandboxError(
            Code.INPUT_INVALID, "since is the revision of the last answer, or 0: a whole number",
            details=[Problem("since", f"{since[:40]!r} is no revision", "send the revision of the last answer")])
    return int(since)


def wait_s(waiting: int) -> float:
    """How long the next one may wait beside so many others."""
    return MAX_WAIT_S / max(1, waiting - _FEW_WAITING)
