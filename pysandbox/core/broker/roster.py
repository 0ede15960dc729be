"""The plugins of one session and their workers: who may have one, and which plugin a port's message belongs to.

Must not know: the page, the gateway, where a worker runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Sized

from pysandbox.core.broker.owner import Owner
from pysandbox.core.broker.plugin import LivePlugin
from pysandbox.core.broker.slot import Slot
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.lifecycle import WITH_WORKER, State
from pysandbox.core.limits import default
from pysandbox.core.outcome import coded


class Roster(Owner):
    """At most ``max_live`` of the plugins hold a worker."""

    def __init__(self, max_live: int = default("maxLive")) -> None:
        self.max_live = max_live
        self.closed = False
        self.plugins: dict[str, LivePlugin] = {}
        self.waiting: deque[LivePlugin] = deque()  # for room for one more worker
        self._slots: dict[int, Slot] = {}
        self._next_handle = 1
        self._next_slot = 1

    def new_handle(self) -> str:
        self._next_handle += 1
        return f"p{self._next_handle - 1}"

    # --- the plugins' ports and the watchdog ---
    def on_plugin(self, slot: int, text: str, buffers: Sequence[Sized] = ()) -> None:
        """A message that passed a plugin port's gate; one of a slot that ended is nothing any more."""
        if slot in self._slots:
            self._slots[slot].receive(text, buffers)

    def on_gate(self, slot: int, rule: str, fatal: bool) -> None:
        if slot in self._slots:
            self._slots[slot].gate_refused(rule, fatal)

    def on_expired(self, slot: int, invocation: str) -> None:
        if slot in self._slots:
            self._slots[slot].listener.expired(slot, invocation)

    def on_cell_failed(self, slot: int, code: str, message: str) -> None:
        """The host frame's word: a cell could not be started, or broke its own handshake."""
        if slot in self._slots:
            found = self._slots[slot]
            found.listener.killed(found, "", coded(code, message))

    def on_cell_measured(self, slot: int, js_bytes: int) -> None:
        """The browser's own measure of a cell with its worker."""
        if slot in self._slots:
            found = self._slots[slot]
            found.listener.measured(found, js_bytes)

    # --- room for workers ---
    def take_up(self, plugin: LivePlugin, told: Callable[[SandboxError | None], None]) -> None:
        """Have it loaded; ``told`` hears once whether it could be, or that there was no room for too long."""
        plugin.on_loaded = told
        self.want_worker(plugin)
        if plugin in self.waiting:
            self.world.later(default("bootMs"), lambda: self._give_up_waiting(plugin))

    def want_worker(self, plugin: LivePlugin) -> None:
        if plugin not in self.waiting:
            self.waiting.append(plugin)
            self.room_changed()

    def room_changed(self) -> None:
        """Those who wait take what is free; the idle plugin that was used least recently makes room for more."""
        while self.waiting and not self.closed:
            live = [plugin for plugin in self.plugins.values() if plugin.state in WITH_WORKER]
            if len(live) < self.max_live:
                self._start(self.waiting.popleft())
                continue
            idle = [plugin for plugin in live if plugin.state is State.READY]
            leaving = sum(plugin.state is State.DRAINING for plugin in live)
            if not idle or leaving >= len(self.waiting):
                return
            min(idle, key=lambda plugin: plugin.last_used_ms).evict("evicted")

    def _start(self, plugin: LivePlugin) -> None:
        if plugin.state in (State.REGISTERED, State.SUSPENDED):
            plugin.start()

    def _give_up_waiting(self, plugin: LivePlugin) -> None:
        if plugin in self.waiting and plugin.on_loaded is not None:
            self.waiting.remove(plugin)
            plugin.on_loaded(SandboxError(
                Code.BOOT_TIMEOUT, f"{self.max_live} plugins (maxLive) are busy, so no worker was free in time"))

    # --- its slots ---
    def new_slot(self) -> int:
        self._next_slot += 1
        return self._next_slot - 1

    def slot_opened(self, slot: Slot) -> None:
        self._slots[slot.number] = slot

    def slot_ended(self, slot: Slot) -> None:
        del self._slots[slot.number]
