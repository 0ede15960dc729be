"""The nonce of a request to the API proxy: made in the host's worker, checked and then spent at the gateway.

``1.COUNTER.EXPIRES.MAC``, where MAC is HMAC-SHA-256 (RFC 2104) under the session's seed over the length-prefixed parts
of everything that the request means: whose it is, where it goes, what it carries. A nonce for one request is therefore
worth nothing for another, and whoever reads one can at most send the very same request before its owner does.

Must not know: clocks, counters, transports; where spent counters are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from pysandbox.core.errors import Code, SandboxError

VERSION: Final = "1"
MAX_LIFE_MS: Final = 30_000
SKEW_MS: Final = 5_000
"""How far the clock of a browser and that of the gateway may lie apart."""

_NONCE: Final = re.compile(r"1\.(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,15})\.([0-9a-f]{64})")
_SEED: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Bound:
    """What a nonce is good for. ``path`` and ``query`` are raw, as they travel; absent parts are empty.

    ``headers``: the value of ``Pysandbox-Headers`` as it travels.
    """

    session_id: str
    plugin: str
    method: str
    path: str
    query: str = ""
    content_type: str = ""
    content_encoding: str = ""
    headers: str = ""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Nonce:
    """A good nonce, not yet spent: the session's ``counter`` must be used once."""

    counter: int
    expires_at_ms: int


def make(seed_hex: str, bound: Bound, *, counter: int, expires_at_ms: int) -> str:
    """The nonce of one request. ``counter`` grows with each of a session; ``expires_at_ms``: epoch milliseconds."""
    return f"{VERSION}.{counter}.{expires_at_ms}.{_mac(seed_hex, bound, str(counter), str(expires_at_ms))}"


def check(
    text: str, seed_hex: str, bound: Bound, *, now_ms: int, max_life_ms: int = MAX_LIFE_MS, skew_ms: int = SKEW_MS
) -> Nonce:
    """What ``text`` says, if the holder of the seed made it for exactly this request, and it is neither too old nor
    good for longer than ``max_life_ms``. Raises `SandboxError` ``NONCE_REJECTED``.

    Its form is checked first (a comparison of text that is no ASCII raises), its MAC in constant time.
    """
    found = _NONCE.fullmatch(text)
    if found is None:
        raise _rejected("has no form that is known here")
    counter, expires, mac = found.groups()
    if not hmac.compare_digest(mac, _mac(seed_hex, bound, counter, expires)):
        raise _rejected("was not made for this request")
    expires_at_ms = int(expires)
    if now_ms > expires_at_ms + skew_ms:
        raise _rejected("is too old; is this machine's clock right?")
    if expires_at_ms > now_ms + max_life_ms + skew_ms:
        raise _rejected("is good for too long; is this machine's clock right?")
    return Nonce(int(counter), expires_at_ms)


def _mac(seed_hex: str, bound: Bound, counter: str, expires: str) -> str:
    if _SEED.fullmatch(seed_hex) is None:
        raise ValueError("a nonce's seed is 64 lower-case hex digits")
    parts = (
        f"pysandbox-proxy-{VERSION}", bound.session_id, bound.plugin, bound.method, bound.path, bound.query,
        bound.content_type, bound.content_encoding, bound.headers, counter, expires)
    framed = b"".join(
        len(data).to_bytes(4, "big") + data for data in (part.encode(errors="surrogatepass") for part in parts))
    return hmac.digest(bytes.fromhex(seed_hex), framed + hashlib.sha256(bound.body).digest(), "sha256").hex()


def _rejected(why: str) -> SandboxError:
    return SandboxError(Code.NONCE_REJECTED, f"the request's nonce {why}")
