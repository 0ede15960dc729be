"""A place for flows to run in: an event loop whose time passes at once, and ports whose plugins do as they are told."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.outcome import Outcome, failure

T = TypeVar("T")
EPOCH_MS = 1_700_000_000_000.0
Behaviour = Callable[[Invocation, float], Awaitable[Outcome]]


class _NoWaiting(selectors.SelectSelector):
    """Instead of waiting, the loop's time moves on."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.passed_s += max(0.0, timeout)
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything runs, and leaps to the next timer when nothing does."""

    def __init__(self) -> None:
        self.clock = _NoWaiting()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.passed_s


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in no time."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(coroutine)


class Place:
    """Ports. ``plugins``: what each does when called, by the last part of its id. ``queues`` None: all there are."""

    def __init__(self, *, queues: Sequence[str] | None = None, **plugins: Behaviour) -> None:
        self.plugins = plugins
        self.queues = queues
        self.journal: list[Event] = []
        self.called: list[Invocation] = []
        self.sent: list[tuple[str, str]] = []
        self.skipped_ms = 0.0  # by which the clock is ahead of the loop's time

    def clock_ms(self) -> float:
        return EPOCH_MS + self.skipped_ms + asyncio.get_running_loop().time() * 1000

    def append(self, events: Sequence[Event]) -> Awaitable[None] | None:
        self.journal += events

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:
        self.called.append(call)
        return await self.plugins[call.plugin.partition("@")[0].rpartition(".")[2]](call, timeout_ms)

    async def send_message(self, to: str, text: str) -> None:
        self.sent.append((to, text))

    def has_queue(self, queue_id: str) -> bool:
        return self.queues is None or queue_id in self.queues


def answers(value: str = "null", *, after_ms: float = 0, generation: int = 1) -> Behaviour:
    async def behave(_call: Invocation, _timeout_ms: float) -> Outcome:
        await asyncio.sleep(after_ms / 1000)
        return Outcome(Status.OK, value=value, generation=generation)

    return behave


def fails(code: Code, *, after_ms: float = 0, generation: int = 1, correlation_id: str = "") -> Behaviour:
    async def behave(_call: Invocation, _timeout_ms: float) -> Outcome:
        await asyncio.sleep(after_ms / 1000)
        return failure(SandboxError(code), generation=generation, correlation_id=correlation_id)

    return behave


async def hangs(_call: Invocation, _timeout_ms: float) -> Outcome:
    await asyncio.sleep(3600)
    return Outcome(Status.OK)


async def is_deaf(_call: Invocation, _timeout_ms: float) -> Outcome:
    """Hangs, and swallows its cancellation."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(7200)
    return Outcome(Status.OK)


async def raises(_call: Invocation, _timeout_ms: float) -> Outcome:
    raise ValueError("a secret")


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Each call as the next one says, the last for all that follow."""
    left = list(behaviours)

    async def behave(call: Invocation, timeout_ms: float) -> Outcome:
        return await (left.pop(0) if len(left) > 1 else left[0])(call, timeout_ms)

    return behave
