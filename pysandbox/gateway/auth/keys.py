"""The keys that platform tokens are checked by: a JWKS from a file or an address, kept fresh.

Public keys for signatures alone are used: a secret key in the set (``oct``), or a private one, is left out, so that no
token can be checked by something that its reader could have made it with.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, cast

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError

log = logging.getLogger(__name__)

PublicKey = RSAKey | ECKey | OKPKey
Read = Callable[[], Awaitable[bytes]]

_MAX_BYTES: Final = 256 * 1024
_MAX_KEYS: Final = 100
_TIMEOUT_S: Final = 5.0
_AGAIN_S: Final = 30.0
"""A key that is unknown makes us look again, this often at most: strangers choose the names of keys."""
_LEAST_RSA_CHARS: Final = 342  # of the modulus in base64: 2048 bits
_STALE: Final = 12
"""Keys whose source fails are used for this many refresh intervals; then they are given up."""


class KeySource:
    """``read()`` gives a JWKS; ``clock()``: seconds that never go back."""

    def __init__(self, read: Read, clock: Callable[[], float], *, refresh_s: float) -> None:
        self._read = read
        self._clock = clock
        self._refresh_s = refresh_s
        self._keys: Mapping[str, PublicKey] = {}
        self._read_s = float("-inf")
        self._tried_s = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> PublicKey | None:
        """The key called ``kid``, or the only one there is where a token names none.

        Raises `SandboxError` ``STATE_UNAVAILABLE`` when no keys can be had.
        """
        if self._clock() - self._read_s >= self._refresh_s:
            await self._refresh(within_s=min(self._refresh_s, _AGAIN_S))
        found = self._known(kid)
        if found is None:
            await self._refresh(within_s=_AGAIN_S)
            found = self._known(kid)
        return found

    async def ready(self) -> bool:
        """Whether there are keys."""
        try:
            await self.find(None)
        except SandboxError:
            return False
        return bool(self._keys)

    def _known(self, kid: str | None) -> PublicKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return None if kid is None else self._keys.get(kid)

    async def _refresh(self, *, within_s: float) -> None:
        """Read the keys again, unless that was tried in the last ``within_s``. One reader for all who wait."""
        async with self._lock:
            now = self._clock()
            if now - self._tried_s >= within_s:
                self._tried_s = now
                try:
                    self._keys = parse_keys(await self._read())
                    self._read_s = now
                except SandboxError as error:
                    log.error("the platform's keys could not be read: %s", error.message)
            if now - self._read_s > self._refresh_s * _STALE:
                self._keys = {}
                raise SandboxError(Code.STATE_UNAVAILABLE, "the platform's keys cannot be read")


def parse_keys(data: bytes) -> dict[str, PublicKey]:
    """The usable keys of a JWKS by their ``kid``. Raises `SandboxError` ``INPUT_INVALID`` where there are none."""
    try:
        document = strict_json.loads(data.decode(), max_chars=_MAX_BYTES)
    except (UnicodeDecodeError, SandboxError):
        document = None
    listed = cast(dict[str, object], document).get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise SandboxError(Code.INPUT_INVALID, 'the keys are no JWKS: a JSON object with a list "keys"')
    keys: dict[str, PublicKey] = {}
    for item in cast(list[object], listed)[:_MAX_KEYS]:
        key = _public(item)
        if key is not None:
            keys[key.kid or key.thumbprint()] = key
    if not keys:
        raise SandboxError(Code.INPUT_INVALID, "the JWKS holds no public key for signatures")
    return keys


def _public(item: object) -> PublicKey | None:
    given = cast(dict[str, object], item) if isinstance(item, dict) else {}
    if "d" in given or given.get("use", "sig") != "sig" or given.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    if given.get("kty") == "RSA" and len(str(given.get("n"))) < _LEAST_RSA_CHARS:
        return None
    try:
        key = JWKRegistry.import_key(cast(dict[str, "str | list[str]"], given))
    except (JoseError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


def file_reader(path: Path) -> Read:
    """Reads the JWKS in ``path``."""

    async def read() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise SandboxError(Code.INPUT_INVALID, f"{path} cannot be read: {error.strerror}") from error

    return read


def url_reader(url: str) -> Read:
    """Fetches the JWKS at ``url``: no redirect, no proxy of the environment, within bounds of time and size."""

    async def read() -> bytes:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as client,
                client.get(url, allow_redirects=False) as answer,
            ):
                data = await answer.content.read(_MAX_BYTES + 1)
                while not answer.content.at_eof() and len(data) <= _MAX_BYTES:
                    data += await answer.content.read(_MAX_BYTES + 1 - len(data))
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SandboxError(Code.UPSTREAM_FAILED, f"the JWKS did not come ({type(error).__name__})") from None
        if status != 200 or len(data) > _MAX_BYTES:
            raise SandboxError(Code.UPSTREAM_FAILED, f"the JWKS's address answered {status}, {len(data)} bytes")
        return data

    return read


def static_reader(keys: list[dict[str, object]]) -> Read:
    """Gives ``keys`` as a JWKS."""

    async def read() -> bytes:
        return json.dumps({"keys": keys}).encode()

    return read
