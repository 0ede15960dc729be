"""What is read of every request alike: its bearer token, and its body within bounds."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, Problem, SandboxError


def bearer(request: Request) -> str:
    """The token of the ``Authorization`` header. Raises `SandboxError` ``SESSION_INVALID`` if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SandboxError(Code.SESSION_INVALID, "send the session token as `Authorization: Bearer TOKEN`")
    return token.strip()


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """The whole body, given up as soon as it is too long. Raises `SandboxError` ``MESSAGE_LIMIT``."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise SandboxError(Code.MESSAGE_LIMIT, f"the body is longer than {max_bytes} bytes")
    return bytes(body)


async def read_object(request: Request, *, max_bytes: int, empty: bool = False) -> dict[str, object]:
    """The body as a JSON object; with ``empty`` no body is an empty one.

    Raises `SandboxError` ``INPUT_INVALID``, or ``MESSAGE_LIMIT``.
    """
    body = await read_body(request, max_bytes=max_bytes)
    if empty and not body:
        return {}
    try:
        value = strict_json.loads(body.decode(), max_chars=max_bytes)
    except (UnicodeDecodeError, SandboxError) as error:
        why = error.message if isinstance(error, SandboxError) else "it is not UTF-8"
        raise _no_object(why) from error
    if not isinstance(value, dict):
        raise _no_object("it is another JSON value")
    return cast(dict[str, object], value)


def _no_object(why: str) -> SandboxError:
    return SandboxError(
        Code.INPUT_INVALID, "the body is no JSON object", details=[Problem("$", why, "send one JSON object in UTF-8")])
