"""What a plugin asks of the session it belongs to; `HostSession` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Protocol

from pysandbox.core.broker.invocations import Invocation
from pysandbox.core.broker.proxying import Proxy
from pysandbox.core.broker.slot import Slot
from pysandbox.core.broker.world import World
from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code
from pysandbox.core.outcome import Outcome

if TYPE_CHECKING:
    from pysandbox.core.broker.plugin import LivePlugin


class Owner(Protocol):
    """Most of it goes to the page."""

    world: World
    sid: str
    origin: str
    chaos: Chaos | None  # what goes wrong on purpose, for QA

    def context_of(self, plugin: LivePlugin, /) -> Mapping[str, str]:
        """What it is told of where it runs: environment, queue, locale."""
        ...

    def proxy_of(self, plugin: LivePlugin, /) -> Proxy: ...
    def report(self, kind: str, plugin: LivePlugin, cid: str, payload: str) -> None: ...
    def alert(self, plugin: LivePlugin, code: Code, rule: str, evidence: str) -> None: ...
    def ask_page(
        self, plugin: LivePlugin, id: str, permission: str, args: str, cid: str, buffers: Sequence[Sized]
    ) -> None: ...
    def granted(self, plugin: LivePlugin) -> tuple[str, ...]: ...
    def finish(self, plugin: LivePlugin, invocation: Invocation, outcome: Outcome, limits: Mapping[str, int]) -> None:
        """``limits``: how often which was met since an invocation ended last."""
        ...

    def new_slot(self) -> int: ...
    def slot_opened(self, slot: Slot) -> None: ...
    def slot_ended(self, slot: Slot) -> None: ...
    def why_denied(self, plugin: LivePlugin, permission: str) -> str | None: ...
    def want_worker(self, plugin: LivePlugin) -> None:
        """Have `LivePlugin.start` called as soon as there is room for one more worker."""
        ...

    def room_changed(self) -> None:
        """A worker ended, or one has nothing to do: somebody who waits may have its place."""
        ...
