"""Development sessions: one secret per server start, shown on the terminal alone, good on loopback alone.

Must not know: HTTP. Clock and randomness are passed in.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pysandbox.core.errors import Code, SandboxError

LIFETIME_MS: Final = 12 * 3600 * 1000
"""A forgotten server stops answering within a day."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a bearer of the token gets: see `POST /api/v2/sessions`."""

    session_id: str
    nonce_seed: str
    grants: tuple[str, ...]
    expires_at_ms: int
    allowed_origins: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "sessionId": self.session_id, "nonceSeed": self.nonce_seed, "grants": list(self.grants),
            "expiresAt": self.expires_at_ms, "allowedOrigins": list(self.allowed_origins)}


class DevSessions:
    """Opens sessions for whoever shows the token. ``now_ms``: epoch milliseconds; ``random_hex(n)``: n random bytes."""

    def __init__(
        self, *, token: str, allowed_origins: Sequence[str], now_ms: Callable[[], int],
        random_hex: Callable[[int], str], lifetime_ms: int = LIFETIME_MS,
    ) -> None:
        self._digest = _digest(token)
        self._allowed_origins = tuple(allowed_origins)
        self._now_ms = now_ms
        self._random_hex = random_hex
        self._ends_at_ms = now_ms() + lifetime_ms

    def check(self, token: str) -> None:
        """Raises `SandboxError` ``SESSION_INVALID`` unless ``token`` is the one, and not too old.

        Digests are compared, in constant time: neither the token's length nor its characters show in the time taken.
        """
        if not hmac.compare_digest(_digest(token), self._digest):
            raise SandboxError(Code.SESSION_INVALID, "the session token is not the one this server printed")
        if self._now_ms() >= self._ends_at_ms:
            raise SandboxError(Code.SESSION_INVALID, "the session token has expired; start the server again")

    def open(self, token: str, grants: Sequence[str]) -> Session:
        """A new session for the bearer of ``token``. Raises as `check` does."""
        self.check(token)
        return Session(
            session_id=self._random_hex(16), nonce_seed=self._random_hex(32), grants=tuple(grants),
            expires_at_ms=self._ends_at_ms, allowed_origins=self._allowed_origins)


def require_loopback(host: str) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` unless ``host`` is a loopback address of this machine.

    A name is refused, ``localhost`` too: what it resolves to is somebody else's choice.
    """
    try:
        loopback = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SandboxError(
            Code.INPUT_INVALID,
            f"development sessions are for this machine alone: listen on 127.0.0.1, not on {host[:100]!r}")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
