"""Two looks at a plugin between its invocations: whether anybody still uses it, and whether its memory runs short.

Must not know: what follows from either; they say so once, and the plugin's life goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pysandbox.core.broker.slot import Slot
from pysandbox.core.broker.world import World

LOOKS = 10  # at most as many in the time that is watched, however often the plugin is used


class IdleWatch:
    """One timer for all: `use` only notes the time, and a look that comes too early looks again."""

    def __init__(self, world: World, idle_ms: int, *, has_worker: Callable[[], bool], idle: Callable[[], None]) -> None:
        self.last_used_ms = world.now_ms()
        self._world = world
        self._idle_ms = idle_ms
        self._has_worker = has_worker
        self._idle = idle
        self._looking = False

    def use(self) -> None:
        self.last_used_ms = self._world.now_ms()

    def begin(self) -> None:
        """There is a worker to be watched."""
        self.use()
        if not self._looking:
            self._looking = True
            self._world.later(self._idle_ms, self._look)

    def _look(self) -> None:
        left_ms = self.last_used_ms + self._idle_ms - self._world.now_ms()
        self._looking = self._has_worker()
        if not self._looking:
            return
        if left_ms <= 0:
            self._idle()
        self._world.later(max(left_ms, self._idle_ms / LOOKS), self._look)


class Pressed(Protocol):
    """Whose memory it is; see `LivePlugin`."""

    def limit(self, name: str) -> int: ...
    def hit(self, name: str) -> None: ...


class MemoryWatch:
    """Asks a worker that uses too much to free some, once at a time; ``at_bytes`` in use are too much."""

    def __init__(self, plugin: Pressed, world: World, at_bytes: int) -> None:
        self._plugin = plugin
        self._world = world
        self._at_bytes = at_bytes
        self.asked = False  # and has not answered

    def new_worker(self) -> None:
        self.asked = False

    def is_short(self, used_bytes: int) -> bool:
        return used_bytes > self._at_bytes

    def ask(self, slot: Slot) -> None:
        """Have its hook run, bounded like any other call."""
        if self.asked:
            return
        self.asked = True
        self._plugin.hit("memoryPressurePercent")
        deadline_ms = self._plugin.limit("onMemoryPressureMs")
        self._world.arm(slot.number, "pressure", deadline_ms + self._plugin.limit("graceMs"))
        slot.channel.send("pressure", "pressure", "", "null", deadline_ms=deadline_ms)

    def answered(self, slot: Slot) -> None:
        self.asked = False
        self._world.disarm(slot.number, "pressure")
