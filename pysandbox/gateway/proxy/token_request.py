"""Token requests over HTTP, with every check that a proxied request meets: addresses, redirects, sizes, time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.weburl import DEFAULT_PORTS, LOOPBACK, parse_url
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.forward import Outgoing, ask
from pysandbox.gateway.proxy.oauth import MAX_TOKEN_BYTES
from pysandbox.gateway.vault.secret import unavailable

_TIMEOUT_MS: Final = 5000


@lru_cache(maxsize=512)
def token_host(url: str) -> tuple[str, int]:
    """Host and port of a token endpoint. Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE`` for what is no URL."""
    try:
        parsed = parse_url(url)
    except ValueError as error:
        raise unavailable(f"the secret's tokenUrl is refused: {error}") from None
    if parsed.scheme != "https" and not (parsed.scheme == "http" and parsed.host == LOOPBACK):
        raise unavailable("the secret's tokenUrl starts with https://")
    return parsed.host, parsed.port or DEFAULT_PORTS[parsed.scheme]


async def post(
    clients: Clients, allow: tuple[str, ...], url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes]:
    """Status and body. Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE``, or ``ADDRESS_NOT_ALLOWED``."""
    outgoing = Outgoing(
        "POST", url, list(headers.items()), body, connect_ms=_TIMEOUT_MS, first_byte_ms=_TIMEOUT_MS,
        response_bytes=MAX_TOKEN_BYTES)
    try:
        async with asyncio.timeout(_TIMEOUT_MS / 1000), ask(clients.get(allow), outgoing) as answer:
            return answer.status, await answer.read()
    except TimeoutError:
        raise unavailable("the token endpoint did not answer in time") from None
    except SandboxError as error:
        if error.code == Code.ADDRESS_NOT_ALLOWED:
            raise
        raise unavailable(f"the token endpoint: {error.message}") from None
