"""Calls that go wrong on purpose, for QA: late, never answered, to a dead worker, or to a breaker that is open.

The n-th call of a run fares the same in every run of one seed. Must not know: what is behind the ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from random import Random

from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.flow.ports import Ports
from pysandbox.core.outcome import Outcome, failure


class ChaosPorts:
    """``ports`` with the faults of ``chaos``, which must have its seed."""

    def __init__(self, ports: Ports, chaos: Chaos) -> None:
        if chaos.seed is None:
            raise ValueError("chaos without a seed cannot be looked at twice")
        self._ports = ports
        self._chaos = chaos
        self._draw = Random(chaos.seed).random  # noqa: S311  # faults, no secrets

    def clock_ms(self) -> float:
        return self._ports.clock_ms()

    def append(self, events: Sequence[Event]) -> Awaitable[None] | None:
        return self._ports.append(events)

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:
        """As many draws for each call, whatever comes of it."""
        low, high = self._chaos.latency_ms
        late_ms = low + (high - low) * self._draw()
        rests, dies, hangs = (
            self._draw() < share for share in (self._chaos.breaker, self._chaos.crash, self._chaos.hang))
        if rests:
            return failure(SandboxError(Code.BREAKER_OPEN))
        await asyncio.sleep(late_ms / 1000)
        if dies:
            return failure(SandboxError(Code.PLUGIN_KILLED))
        if hangs:
            await asyncio.get_running_loop().create_future()
        return await self._ports.invoke(call, max(1.0, timeout_ms - late_ms))

    def send_message(self, to: str, text: str) -> Awaitable[None]:
        return self._ports.send_message(to, text)

    def has_queue(self, queue_id: str) -> bool:
        return self._ports.has_queue(queue_id)
