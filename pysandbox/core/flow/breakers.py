"""A circuit breaker for each plugin, shared by all flows of one place.

A plugin that fails in flows again and again is not called for a while: the block takes its ``onError`` at once, with
``BREAKER_OPEN``. Must not know: flows, clocks, randomness; times and jitter are passed in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from pysandbox.core.breaker import Breaker, Resting, resting
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.outcome import Outcome

MAX_PLUGINS: Final = 1024
"""Breakers that are kept; the one that was asked for longest ago goes."""
_FAILURES: Final = frozenset({Status.ERROR, Status.TIMEOUT, Status.KILLED, Status.UNAVAILABLE})
_CALLERS_FAULT: Final = frozenset({Code.INPUT_INVALID, Code.HANDLER_NOT_FOUND, Code.TEMPLATE_FAILED})


class Breakers:
    """``jitter`` gives a number from 0 to 1."""

    def __init__(
        self, jitter: Callable[[], float], *, failures: int = 5, base_ms: float = 1000, max_ms: float = 60_000,
        probe_ms: float = 30_000,
    ) -> None:  # fmt: skip
        self._make = lambda: Breaker(
            failures=failures, base_ms=base_ms, max_ms=max_ms, jitter=jitter, probe_ms=probe_ms)
        self._by_plugin: OrderedDict[str, Breaker] = OrderedDict()

    def of(self, plugin: str) -> Breaker:
        """The breaker of ``plugin``, a fresh one if there is none."""
        found = self._by_plugin.get(plugin)
        if found is None:
            found = self._by_plugin[plugin] = self._make()
            if len(self._by_plugin) > MAX_PLUGINS:
                self._by_plugin.popitem(last=False)
        self._by_plugin.move_to_end(plugin)
        return found

    def refusal(self, plugin: str, now_ms: float) -> SandboxError | None:
        """Why ``plugin`` is not called now. None is leave to call it: tell `ended` of its end."""
        return None if self.of(plugin).allows(now_ms) else SandboxError(Code.BREAKER_OPEN)

    def ended(self, plugin: str, outcome: Outcome, now_ms: float) -> None:
        """A call that was let through ended. What the caller did wrong, or gave up, says nothing of the plugin."""
        breaker = self.of(plugin)
        if outcome.error is None:
            breaker.succeeded(now_ms)
        elif outcome.status in _FAILURES and outcome.error.code not in _CALLERS_FAULT:
            breaker.failed(now_ms)

    def resting(self, now_ms: float) -> list[Resting]:
        """The plugins whose breaker is not closed."""
        return resting(self._by_plugin.items(), now_ms)
