"""Secrets kept for a short while, so that no request waits for a vault, and renewed without a restart.

Younger than ``fresh_s`` an entry is used as it is. Older, it is used once more while a fresh one is fetched beside it,
so a rotated secret is in use within ``fresh_s`` and one request. Older than ``stale_s`` (the vault has been away) it is
used no more. One fetch at a time for each secret.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.vault.secret import Secret, SecretRef, Vault

_MAX_ENTRIES: Final = 4096


class CachedVault:
    """``clock()``: seconds that never go back."""

    def __init__(
        self, inner: Vault, *, clock: Callable[[], float], fresh_s: float = 30.0, stale_s: float = 300.0
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._kept: OrderedDict[SecretRef, tuple[Secret, float]] = OrderedDict()
        self._fetching: dict[SecretRef, asyncio.Task[Secret]] = {}

    async def read(self, ref: SecretRef) -> Secret:
        kept = self._kept.get(ref)
        age_s = float("inf") if kept is None else self._clock() - kept[1]
        if kept is None or age_s >= self._stale_s:
            return await asyncio.shield(self._fetch(ref))
        if age_s >= self._fresh_s:
            self._fetch(ref)
        return kept[0]

    def forget(self, ref: SecretRef) -> None:
        """The next `read` waits for a fresh one: it was changed, or an upstream refused it."""
        self._kept.pop(ref, None)
        self._fetching.pop(ref, None)  # one that is under way may bring what was there before

    def _fetch(self, ref: SecretRef) -> asyncio.Task[Secret]:
        task = self._fetching.get(ref)
        if task is None:
            task = self._fetching[ref] = asyncio.get_running_loop().create_task(self._fetched(ref))
            task.add_done_callback(lambda done: self._done(ref, done))
        return task

    async def _fetched(self, ref: SecretRef) -> Secret:
        secret = await self._inner.read(ref)
        if self._fetching.get(ref) is asyncio.current_task():
            self._kept[ref] = (secret, self._clock())
            self._kept.move_to_end(ref)
            if len(self._kept) > _MAX_ENTRIES:
                self._kept.popitem(last=False)
        return secret

    def _done(self, ref: SecretRef, task: asyncio.Task[Secret]) -> None:
        if self._fetching.get(ref) is task:
            del self._fetching[ref]
        # Asked for, so that asyncio does not report as lost what a request that waits has been told, or what the next
        # request meets again.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, SandboxError):
            raise error
