"""The Redis (or Valkey) that replicas share, asked so that its absence costs little and is never taken for a yes."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from pysandbox.core.errors import Code, SandboxError

_TIMEOUT_S: Final = 2.0  # a busy host may keep this process from its processor for longer than Redis takes
_REST_S: Final = 1.0  # after a failure it is not asked for so long: requests fail at once instead of waiting each
_MAX_CONNECTIONS: Final = 64

T = TypeVar("T")


class SharedState:
    """``url``: ``redis://`` or ``rediss://``; ``clock()``: seconds that never go back. Connects when first asked.

    ``client`` is redis-py's; ``failures`` are the exceptions that mean it cannot be reached.
    """

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        try:
            library = importlib.import_module("redis.asyncio")
            failed: type[Exception] = importlib.import_module("redis.exceptions").RedisError
            retry: Any = importlib.import_module("redis.asyncio.retry").Retry
            backoff: Any = importlib.import_module("redis.backoff").NoBackoff
        except ImportError:
            raise SandboxError(
                Code.STATE_UNAVAILABLE, "shared state needs redis: pip install pysandbox[redis]") from None
        self.failures: list[type[Exception]] = [failed, OSError, TimeoutError]
        # One more try: the first after a restart of Redis meets a connection that is dead.
        pool = library.BlockingConnectionPool.from_url(
            url, max_connections=_MAX_CONNECTIONS, timeout=_TIMEOUT_S, socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S, retry=retry(backoff(), 1))
        self.client: Any = library.Redis(connection_pool=pool)
        self._clock = clock
        self._rests_until_s = float("-inf")

    async def ask(self, question: Callable[[Any], Awaitable[T]]) -> T:
        """What ``question(client)`` gives. Raises `SandboxError` ``STATE_UNAVAILABLE`` when Redis does not answer."""
        if self._clock() < self._rests_until_s:
            raise _away()
        try:
            return await question(self.client)
        except tuple(self.failures):
            self._rests_until_s = self._clock() + _REST_S
            raise _away() from None  # the library's messages quote the address, which may hold a password

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            return bool(await self.ask(lambda client: client.ping()))
        except SandboxError:
            return False

    async def close(self) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()


def _away() -> SandboxError:
    return SandboxError(Code.STATE_UNAVAILABLE)
