"""One request to an upstream and its answer, within bounds: time, bytes, no redirects, nothing that cannot be checked.

Must not know: routes, sessions, credentials. What it is given is sent as it is; whatever goes wrong is a coded error
that quotes neither addresses nor headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from pysandbox.core.errors import Code, SandboxError

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""RFC 9110 section 9.2.2, less what a proxy never sends."""
_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_AGENT: Final = ("User-Agent", "pysandbox-gateway")
# A compressed body would pass unmasked, or grow without bound when it is unpacked.
_PLAIN: Final = ("Accept-Encoding", "identity")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out. ``url`` is encoded and canonical. URL, headers and body may hold credentials.

    ``first_byte_ms``: None where whoever asks has a deadline that is no later.
    """

    method: str
    url: str = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)
    connect_ms: int
    first_byte_ms: int | None
    response_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An upstream's answer whose body has yet to be read, with `read` or `chunks`, within the deadline."""

    status: int
    headers: Sequence[tuple[str, str]]
    _response: aiohttp.ClientResponse = field(repr=False)
    _most_bytes: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `SandboxError` when there is more than the limit, or it breaks off."""
        total = 0
        try:
            while chunk := await self._response.content.readany():
                total += len(chunk)
                if total > self._most_bytes:
                    raise _too_large(self._most_bytes)
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise _broken(error) from None

    async def read(self) -> bytes:
        """The whole body. Raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Give the connection back; one whose answer was not read to its end cannot be used again."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def send(client: aiohttp.ClientSession, outgoing: Outgoing) -> Answer:
    """Send ``outgoing``, and wait for the answer's head. Whoever asked closes the answer.

    Raises `SandboxError` ``UPSTREAM_TIMEOUT``, ``UPSTREAM_FAILED`` (nothing, or half of an answer),
    ``UPSTREAM_REFUSED`` (an answer that may not be used) and ``ADDRESS_NOT_ALLOWED``.
    """
    response = await _head(client, outgoing)
    answer = Answer(response.status, tuple(response.headers.items()), response, outgoing.response_bytes)
    try:
        _check(response, outgoing.response_bytes)
    except SandboxError:
        answer.close()
        raise
    return answer


@asynccontextmanager
async def ask(client: aiohttp.ClientSession, outgoing: Outgoing) -> AsyncGenerator[Answer]:
    """`send`, and close the answer when the block ends."""
    answer = await send(client, outgoing)
    try:
        yield answer
    finally:
        answer.close()


async def _head(client: aiohttp.ClientSession, outgoing: Outgoing) -> aiohttp.ClientResponse:
    request = client.request(
        outgoing.method, URL(outgoing.url, encoded=True), headers=[*outgoing.headers, _AGENT, _PLAIN],
        data=outgoing.body if outgoing.body or outgoing.method in _BODY else None, allow_redirects=False,
        timeout=_timeout(outgoing.connect_ms))
    try:
        if outgoing.first_byte_ms is None:
            return await request
        async with asyncio.timeout(outgoing.first_byte_ms / 1000):
            return await request
    except TimeoutError:  # aiohttp's own are this, too
        raise SandboxError(Code.UPSTREAM_TIMEOUT) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _broken(error) from None


@lru_cache(maxsize=64)
def _timeout(connect_ms: int) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None, connect=connect_ms / 1000, sock_connect=connect_ms / 1000, sock_read=None)


def _check(response: aiohttp.ClientResponse, most_bytes: int) -> None:
    if 300 <= response.status < 400 and response.status != 304:  # that one answers If-None-Match, and leads nowhere
        raise SandboxError(Code.UPSTREAM_REFUSED, f"the upstream answered {response.status}: redirects are refused")
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"identity", ""}:
        raise SandboxError(Code.UPSTREAM_REFUSED, "the upstream's answer is compressed, which was not asked for")
    if response.content_length is not None and response.content_length > most_bytes:
        raise _too_large(most_bytes)


def _broken(error: Exception) -> SandboxError:
    """By its type alone: these messages quote host names, addresses and lines of the answer."""
    return SandboxError(Code.UPSTREAM_FAILED, f"the upstream could not be reached, or broke off ({_kind(error)})")


def _kind(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate, or TLS"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    return "the answer is incomplete, or no HTTP"


def _too_large(most_bytes: int) -> SandboxError:
    return SandboxError(Code.UPSTREAM_REFUSED, f"the upstream's answer is longer than {most_bytes} bytes")
