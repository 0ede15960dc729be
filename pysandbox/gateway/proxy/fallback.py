"""What stands in for an upstream that fails: the masked answer that the same user's same request got before.

Kept by tenant, user, plugin, route and the whole request, so nobody is shown another's. Never kept: what a request or
an answer calls ``no-store``; anything but a success. Once an upstream has answered 401 or 403 to a
user, nothing that was kept before is shown to that user again: the right to see it may be gone.

Must not know: HTTP clients, clocks (the cache is given one).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pysandbox.core.cache import BoundedCache

_MAX_ENTRIES: Final = 10_000
_MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_SCOPES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given: after masking, after the header allowlist."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers) + 200


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose answers these are."""

    tenant: str
    subject: str
    plugin: str
    route: str


class Fallbacks:
    """``clock()``: seconds that never go back."""

    def __init__(
        self, clock: Callable[[], float], *, max_bytes: int = _MAX_BYTES, max_scopes: int = _MAX_SCOPES
    ) -> None:
        self._cache: BoundedCache[Kept] = BoundedCache(
            max_entries=_MAX_ENTRIES, max_bytes=max_bytes, clock=clock, size_of=lambda kept: kept.size_bytes)
        self._max_bytes = max_bytes
        self._max_scopes = max_scopes
        self._refusals: dict[Scope, int] = {}

    def get(self, scope: Scope, request: Sequence[bytes]) -> Kept | None:
        """What was kept for this very request, if it still may be shown."""
        return self._cache.get(self._key(scope, request))

    def told(
        self, scope: Scope, request: Sequence[bytes], kept: Kept, *, ttl_s: float,
        controls: Sequence[Mapping[str, str]],
    ) -> None:
        """An answer came. ``controls``: the headers of request and answer (lower case) that may forbid keeping it."""
        if kept.status in {401, 403}:
            self._forget(scope)
        elif 200 <= kept.status < 300 and kept.size_bytes < self._max_bytes and not any(map(_forbids, controls)):
            self._cache.set(self._key(scope, request), kept, ttl_s=ttl_s)

    def _forget(self, scope: Scope) -> None:
        if len(self._refusals) >= self._max_scopes and scope not in self._refusals:
            # To forget who was refused would bring their answers back, so those go, too.
            self._refusals.clear()
            self._cache.clear()
        self._refusals[scope] = self._refusals.get(scope, 0) + 1

    def _key(self, scope: Scope, request: Sequence[bytes]) -> str:
        refusals = self._refusals.get(scope, 0)
        parts = [
            part.encode(errors="surrogatepass")
            for part in (scope.tenant, scope.subject, scope.plugin, scope.route, str(refusals))]
        # Each with its length, so that no two requests can be written the same way.
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in [*parts, *request])
        return hashlib.sha256(framed).hexdigest()


def _forbids(headers: Mapping[str, str]) -> bool:
    told = headers.get("cache-control")
    return told is not None and "no-store" in {part.strip().partition("=")[0].lower() for part in told.split(",")}
