"""The platform's tokens (RFC 7519, RFC 8725): who made them, for whom, until when, and what they open.

The algorithm must be on the list, fit the key's kind, and be the key's own where it names one; so neither ``none`` nor
a secret made of a public key ever checks anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from starlette.requests import Request

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.keys import KeySource, PublicKey
from pysandbox.gateway.auth.principal import Principal
from pysandbox.gateway.reading import bearer

_MAX_CHARS: Final = 8192
_MAX_SCOPES: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@|/+=-]{0,127}")
"""What a tenant or subject may look like: they stand in keys and logs."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a good token says of itself."""

    issuer: str
    audience: str
    algorithms: Sequence[str]
    leeway_s: int = 30
    tenant_claim: str = "tenant"
    scope_claim: str = "scope"


class PlatformTokens:
    """An `Authenticator`. ``now_s()``: epoch seconds."""

    def __init__(self, keys: KeySource, expected: Expected, now_s: Callable[[], float]) -> None:
        self._keys = keys
        self._expected = expected
        self._now_s = now_s

    async def principal(self, request: Request) -> Principal:
        return await self.check(bearer(request))

    async def check(self, token: str) -> Principal:
        """Raises `SandboxError` ``SESSION_INVALID``, or ``STATE_UNAVAILABLE`` when there are no keys to check by."""
        if len(token) > _MAX_CHARS or not token.isascii():
            raise refused()
        claims = await self._signed(token)
        self._within_time(claims)
        expected = self._expected
        audience = claims.get("aud")
        audiences = cast(list[object], audience) if isinstance(audience, list) else [audience]
        if claims.get("iss") != expected.issuer or expected.audience not in audiences:
            raise refused("it was made by another issuer, or for another audience")
        return Principal(
            subject=_name(claims, "sub"), tenant=_name(claims, expected.tenant_claim),
            scopes=_scopes(claims.get(expected.scope_claim)), expires_at_ms=int(_number(claims, "exp") * 1000))

    async def _signed(self, token: str) -> Mapping[str, object]:
        """The claims, once the signature is good."""
        try:
            header = cast(dict[str, object], jws.extract_compact(token.encode()).headers())
        except (JoseError, ValueError, TypeError):
            raise refused() from None
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self._expected.algorithms or not isinstance(kid, str | None) or "crit" in header:
            raise refused("it is signed in a way that is not accepted here")
        key = await self._keys.find(kid)
        if key is None or not _fits(key, cast(str, algorithm)):
            raise refused("it is signed by a key that is not known here")
        try:
            return jwt.decode(token, key, algorithms=[cast(str, algorithm)]).claims
        except (JoseError, ValueError, TypeError):
            raise refused("its signature is wrong") from None

    def _within_time(self, claims: Mapping[str, object]) -> None:
        now, leeway = self._now_s(), self._expected.leeway_s
        if _number(claims, "exp") + leeway <= now:
            raise refused("it has expired")
        for name in ("nbf", "iat"):
            if name in claims and _number(claims, name) - leeway > now:
                raise refused("its time has not come yet")


def refused(why: str = "it is no token that can be read") -> SandboxError:
    """A platform token that opens nothing."""
    return SandboxError(Code.SESSION_INVALID, f"the token was refused: {why}")


def _fits(key: PublicKey, algorithm: str) -> bool:
    """Whether ``algorithm`` is for keys of this kind, and the one that the key is meant for, where it says so."""
    meant = key.get("alg")
    if meant is not None and meant != algorithm:
        return False
    if isinstance(key, RSAKey):
        return algorithm[:2] in ("RS", "PS")
    if isinstance(key, ECKey):
        return algorithm == {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}.get(key.curve_name)
    return algorithm in ("EdDSA", "Ed25519") and key.curve_name == "Ed25519"


def _number(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise refused(f"its claim {name} is no time")
    return value


def _name(claims: Mapping[str, object], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise refused(f"its claim {claim} is missing, or has characters that it may not have")
    return value


def _scopes(value: object) -> frozenset[str]:
    """A claim ``scope`` as RFC 8693 has it, or a list, as some platforms write it."""
    if value is None:
        return frozenset()
    listed: list[object] = cast(list[object], value) if isinstance(value, list) else []
    words = value.split() if isinstance(value, str) else listed
    if (not isinstance(value, str) and not listed and value != []) or len(words) > _MAX_SCOPES:
        raise refused("its scopes are no list of names")
    if not all(isinstance(word, str) for word in words):
        raise refused("its scopes are no list of names")
    return frozenset(cast(list[str], words))
