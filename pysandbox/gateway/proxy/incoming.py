"""A proxied request as it arrives: what the host worker wrote into it, read strictly, before anything is decided.

Must not know: routes, sessions, policies. One header that stands twice is refused, since two readers could each take
another of them; so is a body that comes slower or longer than it may.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Receive, Scope

from pysandbox.core.errors import Code, SandboxError

BODY_S: Final = 10.0
"""How long a body may take to arrive: attack 73."""
_OURS: Final = {name.encode(): name for name in (
    "authorization", "pysandbox-plugin", "pysandbox-nonce", "content-type", "content-encoding", "pysandbox-headers",
    "pysandbox-timeout-ms", "pysandbox-correlation-id", "traceparent", "cache-control", "content-length")}
_PLUGIN: Final = re.compile(r"[A-Za-z0-9._-]{1,200}@[0-9A-Za-z.+-]{1,100}")
_MAX_TIMEOUT_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Incoming:
    """``path`` and ``query`` are raw, as sent; ``fields`` holds our headers by lower-case name."""

    method: str
    path: str
    query: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def token(self) -> str:
        """The session's token. Raises `SandboxError` ``SESSION_INVALID`` without one."""
        scheme, _, token = self.fields.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise SandboxError(Code.SESSION_INVALID, "send the session's token as a bearer token")
        return token.strip()

    @property
    def plugin(self) -> str:
        """``id@version`` of the calling plugin. Raises `SandboxError` ``INPUT_INVALID``."""
        plugin = self.fields.get("pysandbox-plugin", "")
        if not _PLUGIN.fullmatch(plugin):
            raise SandboxError(Code.INPUT_INVALID, "the header Pysandbox-Plugin names the calling plugin, id@version")
        return plugin

    @property
    def timeout_ms(self) -> int | None:
        """What the caller gives it, or None. Raises `SandboxError` ``INPUT_INVALID``."""
        text = self.fields.get("pysandbox-timeout-ms")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 7 and 0 < int(text) <= _MAX_TIMEOUT_MS):
            raise SandboxError(Code.INPUT_INVALID, "the header Pysandbox-Timeout-Ms is a whole number of milliseconds")
        return int(text)


def read_head(scope: Scope) -> Incoming:
    """Raises `SandboxError` ``INPUT_INVALID`` for a header of ours that stands twice or is no ASCII."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = _OURS.get(raw_name)
        if name is None:
            continue
        if name in fields or not raw_value.isascii():
            raise SandboxError(Code.INPUT_INVALID, f"the header {name} may stand once, in ASCII")
        fields[name] = raw_value.decode()
    return Incoming(
        scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"), fields)


async def read_body(receive: Receive, fields: Mapping[str, str], *, max_bytes: int, within_s: float) -> bytes:
    """The whole body. Raises `SandboxError` ``MESSAGE_LIMIT`` as soon as it is too long, ``REQUEST_TIMEOUT``."""
    declared = fields.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_long(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SandboxError(Code.REQUEST_TIMEOUT, "the caller went away before the body had arrived")
                body += message.get("body", b"")
                if len(body) > max_bytes:
                    raise _too_long(max_bytes)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise SandboxError(Code.REQUEST_TIMEOUT) from None


def _too_long(max_bytes: int) -> SandboxError:
    return SandboxError(Code.MESSAGE_LIMIT, f"this route takes bodies of {max_bytes} bytes at most")
