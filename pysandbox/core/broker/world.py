"""What running plugins needs of where it runs, and nothing more. Tests implement it in memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence, Sized
from typing import Any, Protocol

from pysandbox.core.envelope import Binding


class World(Protocol):
    """Times are milliseconds. A *slot* numbers one cell, or one process, for as long as the world lives."""

    def now_ms(self) -> float: ...
    def random_hex(self, count: int) -> str:
        """``count`` fresh random bytes, as hex."""
        ...

    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...
    def begin(self, work: Coroutine[Any, Any, None]) -> None: ...
    def to_plugin(self, slot: int, text: str, buffers: Sequence[Sized]) -> None:
        """``buffers``: `bytes` of our own, and what came in beside a message, which is handed on as it is."""
        ...

    def grant(self, slot: int, messages: int) -> None: ...
    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int],
    ) -> None:  # fmt: skip
        """Take a cell of this memory class, a warm one if there is one, and bind a fresh port to it.

        ``needs_library``: the plugin may import what the snapshot lacks, so the standard library comes along.
        ``gate``: see `pysandbox.core.gate`.
        """
        ...

    def end_cell(self, slot: int) -> None:
        """Close our end of the port first, then have the cell's worker and frame ended. Never waits."""
        ...

    def arm(self, slot: int, invocation: str, after_ms: float) -> None:
        """Tell the watchdog to kill the slot if it is not disarmed in time. Armed before dispatch."""
        ...

    def disarm(self, slot: int, invocation: str) -> None: ...
    def span(self, name: str, started_ms: float, cid: str) -> None:
        """Put what began then and ends now on a timeline, where there is one."""
        ...
