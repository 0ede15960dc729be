"""What one run of a flow needs of the page it runs in: `Ports` over the session's plugins and the page.

Must not know: how a plugin is loaded, what a flow is.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from pysandbox.core.broker.plugin import LivePlugin
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.flow.ports import pick_handler
from pysandbox.core.outcome import Outcome
from pysandbox.host.world import World

SEND_MESSAGE: Final = "webchat:message:send"
"""The capability by which a page sends the messages of ``sendMessage``."""
ROUTE: Final = "webchat:queue:route"
"""The capability by which a page routes where ``routeToQueue`` has ended a run."""
WAY_BACK_MS: Final = 50
"""What the word of a plugin's end may take from the watchdog to us, after the hard limit."""


class Roads(Protocol):
    """The ways out of a run that all runs share."""

    world: World

    def now_ms(self) -> float:
        """Since 1970, never going back."""
        ...

    def provides(self, permission: str) -> bool: ...
    def call(self, plugin: LivePlugin, call: Invocation, handler: str, deadline_ms: int) -> Awaitable[Outcome]:
        """Cancelled, it aborts the invocation."""
        ...

    def ask_page(self, permission: str, args: object, cid: str) -> Awaitable[None]:
        """Cancelled, it withdraws the call. Raises `SandboxError` if the page's function failed."""
        ...


class FlowPorts:
    """``cast`` goes by the id that the flow's calls name: the plugin, or why there is none.

    ``journal`` is the run's, with what came before it.
    """

    def __init__(
        self, roads: Roads, page_id: str, cid: str, cast: Mapping[str, LivePlugin | SandboxError],
        queues: frozenset[str] | None, journal: Sequence[Event],
    ) -> None:  # fmt: skip
        self._roads = roads
        self._page_id, self._cid = page_id, cid
        self._cast = cast
        self._queues = queues
        self.journal = list(journal)

    def clock_ms(self) -> float:
        return self._roads.now_ms()

    def append(self, events: Sequence[Event]) -> None:
        """The page keeps the journal: should this host die, the next one goes on by it."""
        self.journal += events
        self._roads.world.to_page("step", self._page_id, self._cid, json.dumps(events))

    async def invoke(self, call: Invocation, timeout_ms: float) -> Outcome:
        plugin = self._cast[call.plugin]
        if isinstance(plugin, SandboxError):
            raise plugin
        handler = pick_handler(plugin.handlers, call.handler)
        return await self._roads.call(plugin, call, handler, _deadline_ms(plugin, timeout_ms))

    async def send_message(self, to: str, text: str) -> None:
        if not self._roads.provides(SEND_MESSAGE):
            raise SandboxError(
                Code.MESSAGE_NOT_SENT, f"the page provides nothing for {SEND_MESSAGE} in openSandbox's capabilities")
        await self._roads.ask_page(SEND_MESSAGE, {"to": to, "text": text}, self._cid)

    def has_queue(self, queue_id: str) -> bool:
        return self._queues is None or queue_id in self._queues


def _deadline_ms(plugin: LivePlugin, timeout_ms: float) -> int:
    """So that the hard limit, and the word of it, come before the flow goes on; half of a time that is too short."""
    ahead_ms = timeout_ms - plugin.limit("graceMs") - WAY_BACK_MS
    return max(1, min(int(max(ahead_ms, timeout_ms / 2)), plugin.manifest.max_execution_time_ms))
