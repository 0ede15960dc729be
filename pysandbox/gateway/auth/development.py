"""Development tokens: signed by a key of this machine, for a gateway that listens on this machine alone.

The private key lies in the data folder, readable by its owner. A server that is set up with the platform's keys does
not know it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.config_checks import is_loopback
from pysandbox.gateway.settings import Settings

ISSUER: Final = "pysandbox-development"
AUDIENCE: Final = "pysandbox"
ALGORITHM: Final = "Ed25519"
MAX_LIFE_S: Final = 24 * 3600
_FILE: Final = "development-key.json"


def development_key(settings: Settings) -> OKPKey:
    """The key in the data folder, made where there is none.

    Raises `SandboxError` ``INPUT_INVALID`` where development tokens have no place: the server is set up with the
    platform's keys, or listens beyond loopback.
    """
    if settings.jwt_jwks:
        raise SandboxError(
            Code.INPUT_INVALID,
            "this gateway takes the platform's tokens (jwt_jwks is set): have the platform make one")
    if not is_loopback(settings.host):
        raise SandboxError(
            Code.INPUT_INVALID,
            f"development tokens are for this machine alone, and the gateway listens on {settings.host[:60]!r}: "
            "set jwt_jwks, jwt_issuer and jwt_audience, or listen on 127.0.0.1")
    path = Path(settings.data_dir, _FILE)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = OKPKey.generate_key("Ed25519").as_dict(private=True)
    draft = path.with_name(f".{_FILE}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(fresh, file)
        os.link(draft, path)  # whole or not at all, and never over another's
    except FileExistsError:
        return _kept(path)
    finally:
        draft.unlink(missing_ok=True)
    return OKPKey.import_key(fresh)


def sign(
    key: OKPKey, *, subject: str, tenant: str, scopes: Sequence[str], now_s: int, life_s: int,
    tenant_claim: str = "tenant", scope_claim: str = "scope",
) -> str:
    """A development token. Raises `SandboxError` ``INPUT_INVALID`` for a life beyond a day."""
    if not 0 < life_s <= MAX_LIFE_S:
        raise SandboxError(Code.INPUT_INVALID, f"a development token lives between 1 and {MAX_LIFE_S} seconds")
    claims: dict[str, object] = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": subject, tenant_claim: tenant, scope_claim: " ".join(scopes),
        "iat": now_s, "exp": now_s + life_s}
    return jwt.encode({"alg": ALGORITHM, "kid": key.thumbprint()}, claims, key, algorithms=[ALGORITHM])


def _kept(path: Path) -> OKPKey:
    try:
        kept = OKPKey.import_key(cast("dict[str, str | list[str]]", json.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, TypeError, JoseError):
        raise SandboxError(
            Code.INPUT_INVALID, f"{path} holds no development key any more: remove it, and a new one is made") from None
    if not kept.is_private:
        raise SandboxError(Code.INPUT_INVALID, f"{path} holds no private key: remove it, and a new one is made")
    return kept
