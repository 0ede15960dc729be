"""What one execution needs of the gateway: see `pysandbox.core.flow.ports.Ports`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.flows.plugins import FlowPlugins
from pysandbox.gateway.flows.writer import JournalWriter
from pysandbox.invoker.port import Invoker

WAY_BACK_MS: Final = 10
"""What an outcome takes from the invoker to the flow: with less left it would come too late to be told."""


@dataclass(frozen=True, slots=True)
class World:
    """What all executions of a process share. ``clock_ms()``: see `Ports.clock_ms`."""

    clock_ms: Callable[[], float]
    writer: JournalWriter
    plugins: FlowPlugins
    invoker: Invoker
    queues: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExecutionPorts:
    """The ports of the execution ``execution_id`` of ``tenant``."""

    world: World
    tenant: str
    execution_id: str

    def clock_ms(self) -> float:
        return self.world.clock_ms()

    def append(self, events: Sequence[Event]) -> Awaitable[None]:
        return self.world.writer.append(self.execution_id, events)

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:
        world, began_ms = self.world, self.world.clock_ms()
        plugin = await world.plugins.find(self.tenant, call.plugin)
        left_ms = timeout_ms - (world.clock_ms() - began_ms) - WAY_BACK_MS
        return await world.invoker.invoke(
            plugin, call.handler, call.payload, timeout_ms=max(1.0, left_ms), correlation_id=call.correlation_id)

    async def send_message(self, to: str, text: str) -> None:
        """It is taken once it is stored: whoever started the flow finds it with the execution."""
        message: dict[str, object] = {"at": round(self.world.clock_ms()), "to": to, "text": text}
        await self.world.writer.append(self.execution_id, (), (message,))

    def has_queue(self, queue_id: str) -> bool:
        return not self.world.queues or queue_id in self.world.queues
