"""One POST to a destination over TLS, and what its answer means for what was sent.

Certificates are read from their files when connections are made anew, as they are after each failure: a rotation needs
no restart. Must not know: what is sent.
"""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from pysandbox.core.errors import Code, Problem, SandboxError

TIMEOUT_S: Final = 10.0
_MOST_ANSWER_BYTES: Final = 256 * 1024
_MOST_AFTER_S: Final = 3600.0


class NotTakenError(Exception):
    """A destination did not take a batch. ``after_s``: when it wants to be asked again, if it said so. ``unfit``: it
    never will take something that is in it."""

    def __init__(self, reason: str, *, after_s: float | None = None, unfit: bool = False) -> None:
        super().__init__(reason)
        self.after_s = after_s
        self.unfit = unfit


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. Without ``authorities``: those of the system."""

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises `SandboxError` ``INPUT_INVALID`` for files that are not what they should be."""
        try:
            context = ssl.create_default_context(cafile=self.authorities)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise SandboxError(Code.INPUT_INVALID, "the export's certificates cannot be used", details=[Problem(
                "export_certificate_file", f"cannot be read ({type(error).__name__})",
                "name PEM files that belong together: export_ca_file, export_certificate_file, export_key_file")],
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class Answer:
    """``retry_after``: the header, or empty."""

    status: int
    body: bytes
    retry_after: str

    def refusal(self, now_s: Callable[[], float]) -> NotTakenError:
        """As an error. Only 400 and 413 are about what was sent (OTLP/HTTP, "Failures"); a token or an address that
        is wrong can be mended, so nothing is thrown away for one."""
        return NotTakenError(
            f"status {self.status}", after_s=_after_s(self.retry_after, now_s),
            unfit=self.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE))


class Sender(Protocol):
    """See `Wire`."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...


class Wire:
    """Connections to one destination. ``timeout_s``: for one request as a whole."""

    def __init__(self, certificates: Certificates, timeout_s: float = TIMEOUT_S) -> None:
        self._certificates = certificates
        self._timeout_s = timeout_s
        self._client: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """``body`` compressed, to exactly this address. Raises `NotTakenError` where there is no answer."""
        try:
            async with self._open().post(
                url, data=gzip.compress(body, 6), headers={**headers, "Content-Encoding": "gzip"},
                allow_redirects=False,
            ) as answer:  # fmt: skip
                told = bytearray()
                async for piece in answer.content.iter_any():
                    told += piece
                    if len(told) > _MOST_ANSWER_BYTES:
                        break
                return Answer(answer.status, bytes(told), answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError, SandboxError) as error:
            await self.close()
            raise NotTakenError(f"no answer ({type(error).__name__})") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), trust_env=False,
                connector=aiohttp.TCPConnector(ssl=self._certificates.context(), limit=2))
        return self._client

    async def close(self) -> None:
        """End the connections; the next request makes others."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _after_s(text: str, now_s: Callable[[], float]) -> float | None:
    """``Retry-After`` in seconds or as a date (RFC 9110, 10.2.3); an hour at most, None for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return min(float(text), _MOST_AFTER_S)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now_s()), _MOST_AFTER_S)
    except ValueError:
        return None
