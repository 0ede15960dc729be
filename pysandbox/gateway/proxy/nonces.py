"""Nonces are spent once: in memory for one process, in Redis for all replicas. In doubt, nothing passes.

Must not know: how a nonce is made or checked; that is `core.proxy_nonce`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.shared import SharedState

_MAX_KEPT: Final = 1_000_000  # at 30 s of life some 33,000 requests a second
_SKEW_MS: Final = 10_000  # kept this much past its expiry: replicas' clocks may differ


class NonceStore(Protocol):
    """Where nonces are spent."""

    async def spend(self, session_id: str, counter: int, expires_at_ms: int) -> None:
        """Raises `SandboxError` ``NONCE_REJECTED`` for one that was spent, ``STATE_UNAVAILABLE`` if nobody knows."""
        ...


class MemoryNonces:
    """For one process. ``now_ms()``: epoch milliseconds."""

    def __init__(self, now_ms: Callable[[], int], *, max_kept: int = _MAX_KEPT) -> None:
        self._now_ms = now_ms
        self._max_kept = max_kept
        self._spent: set[tuple[str, int]] = set()
        self._due: deque[tuple[int, tuple[str, int]]] = deque()

    async def spend(self, session_id: str, counter: int, expires_at_ms: int) -> None:
        now = self._now_ms()
        while self._due and self._due[0][0] <= now:
            self._spent.discard(self._due.popleft()[1])
        key = (session_id, counter)
        if key in self._spent:
            raise spent()
        if len(self._spent) >= self._max_kept:
            # Forgetting one would let it be used twice.
            raise SandboxError(Code.STATE_UNAVAILABLE, "too many requests at once: no more nonces can be remembered")
        self._spent.add(key)
        # In order of arrival; one that ends sooner than those before it stays a little longer, which harms nothing.
        self._due.append((max(expires_at_ms, now) + _SKEW_MS, key))


class RedisNonces:
    """For all replicas: ``SET NX PX`` is atomic in Redis, so one of many that come at once wins."""

    def __init__(self, shared: SharedState, now_ms: Callable[[], int]) -> None:
        self._shared = shared
        self._now_ms = now_ms

    async def spend(self, session_id: str, counter: int, expires_at_ms: int) -> None:
        keep_ms = max(1, expires_at_ms - self._now_ms() + _SKEW_MS)

        async def claim(redis: Any) -> object:
            return await redis.set(f"pysandbox:nonce:{session_id}:{counter}", b"1", nx=True, px=keep_ms)

        if not await self._shared.ask(claim):
            raise spent()


def spent() -> SandboxError:
    """The refusal of a nonce that was used before."""
    return SandboxError(Code.NONCE_REJECTED, "the request's nonce was used before")
