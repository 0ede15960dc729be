"""How often and how many at once: GCRA with bursts (throttled-py) for session, plugin and route, and a cap on requests
in progress.

The narrowest comes first, and the first refusal ends it: what one session sends too much of is never taken from the
allowance that its plugin or route shares with others. With Redis the counts hold for all replicas; while Redis is away
each replica counts for itself, and allows a quarter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeVar, cast

from throttled import MemoryStore, RateLimitResult
from throttled import Throttled as LocalThrottled
from throttled.asyncio import RateLimiterType, RedisStore, Throttled, per_min
from throttled.asyncio.store import RedisStoreBackend
from throttled.exceptions import StoreUnavailableError

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.shared import SharedState

STRICTER: Final = 4
"""What an allowance is divided by while replicas cannot count together."""
L = TypeVar("L", LocalThrottled, Throttled)

_MAX_KEYS: Final = 500_000  # more than there can be sessions; a key that is pushed out starts afresh


@dataclass(frozen=True, slots=True)
class Allowance:
    """``per_minute`` requests, ``burst`` of them at once, for ``key``. ``name`` is the policy's name in headers."""

    name: str
    key: str
    per_minute: int
    burst: int

    def stricter(self) -> Allowance:
        return Allowance(
            self.name, self.key, max(1, self.per_minute // STRICTER), max(1, self.burst // STRICTER))


class Limited(SandboxError):
    """Not now: ``headers`` say when to come again."""

    def __init__(self, message: str, headers: Mapping[str, str], code: Code = Code.RATE_LIMIT) -> None:
        super().__init__(code, message)
        self.headers = dict(headers)


class Limits:
    """``shared``: what all replicas count in; None for one process."""

    def __init__(self, shared: SharedState | None = None) -> None:
        self._shared = shared
        self._local = MemoryStore(options={"MAX_SIZE": _MAX_KEYS})
        self._far = None if shared is None else _store(shared)
        self._local_limiter = lru_cache(maxsize=4096)(partial(_limiter, LocalThrottled, self._local))
        self._far_limiter = lru_cache(maxsize=4096)(partial(_limiter, Throttled, self._far))

    async def take(self, allowances: Sequence[Allowance]) -> dict[str, str]:
        """One from each, in this order; the answer's rate headers, of the one with the least left.

        Raises `Limited` at the first that has none left.
        """
        least: tuple[float, Allowance, RateLimitResult] | None = None
        for allowance in allowances:
            result = await self._ask(allowance)
            if result.limited:
                raise Limited(
                    f"the {allowance.name}'s limit of {allowance.per_minute} requests a minute is reached",
                    {"Retry-After": str(max(1, math.ceil(result.state.retry_after))), **_headers(allowance, result)})
            share = result.state.remaining / allowance.burst
            if least is None or share < least[0]:
                least = (share, allowance, result)
        return {} if least is None else _headers(least[1], least[2])

    async def _ask(self, allowance: Allowance) -> RateLimitResult:
        if self._shared is not None and self._far is not None:
            far = self._far_limiter(allowance.per_minute, allowance.burst)
            try:
                return await self._shared.ask(lambda _client: far.limit(allowance.key))
            except SandboxError:
                allowance = allowance.stricter()
        return self._local_limiter(allowance.per_minute, allowance.burst).limit(allowance.key)


class Slots:
    """How many requests are in progress, by key, in this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def hold(self, key: str, most: int) -> Generator[None]:
        """One of ``most`` slots of ``key`` while the block runs. Raises `Limited` when all are taken."""
        if self._taken[key] >= most:
            raise Limited(f"the route's {most} concurrent requests are all in progress", {"Retry-After": "1"})
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


def _limiter(kind: Callable[..., L], store: object, per_minute: int, burst: int) -> L:
    return kind(
        using=RateLimiterType.GCRA.value, quota=per_min(per_minute, burst), store=store, key_prefix="pysandbox:rate")


def _store(shared: SharedState) -> RedisStore:
    """A store of throttled-py on the connections that everything shared uses."""
    shared.failures.append(StoreUnavailableError)

    class Backend(RedisStoreBackend):
        def get_client(self) -> Any:
            return shared.client

    class Store(RedisStore):
        _BACKEND_CLASS = cast(Any, Backend)

    return Store()


def _headers(allowance: Allowance, result: RateLimitResult) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers: the quota, what is left of it, and when it is whole again."""
    state = result.state
    return {
        "RateLimit-Policy": f'"{allowance.name}";q={allowance.per_minute};w=60',
        "RateLimit": f'"{allowance.name}";r={state.remaining};t={math.ceil(state.reset_after)}'}
