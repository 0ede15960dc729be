"""What the host needs of its worker, and nothing more. `boot.py` implements it over JavaScript, tests in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence, Sized
from typing import Any, Protocol

from pysandbox.core.envelope import Binding
from pysandbox.host.exchange import Incoming, Outgoing


class World(Protocol):
    """Times are milliseconds. A *slot* numbers one cell for as long as the host worker lives."""

    def now_ms(self) -> float: ...
    def epoch_ms(self) -> float:
        """This machine's wall clock."""
        ...

    def random_hex(self, count: int) -> str:
        """``count`` fresh random bytes, as hex."""
        ...

    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...
    def begin(self, work: Coroutine[Any, Any, None]) -> None: ...
    def to_page(self, kind: str, id: str, cid: str, payload: str, buffers: Sequence[Sized] = ()) -> None: ...
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
        """Put what began then and ends now on the browser's performance timeline."""
        ...

    def fetch(self, method: str, path: str, token: str) -> Awaitable[tuple[int, bytes]]:
        """One bounded request to the gateway's origin. Raises ConnectionError."""
        ...

    def leave_behind(self, token: str) -> None:
        """Should the page go away without a word, the session of this token is to be ended; of none, for ""."""
        ...

    def exchange(self, outgoing: Outgoing) -> Awaitable[Incoming]:
        """One request to the gateway in a plugin's name.

        Raises TimeoutError, OverflowError (more than ``max_bytes``), ConnectionError (also when it was hung up).
        """
        ...

    def hang_up(self, id: str) -> None:
        """Nobody waits for this exchange any more. Harmless when it has ended."""
        ...
