"""What a flow needs of the place where it runs. The browser's host and the gateway each bring their own.

Must not know: the engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.effects import Event, Invocation
from pysandbox.core.outcome import Outcome


class LostExecution(Exception):
    """`Ports.append` found that somebody else runs this flow now. The driver stops at once and does nothing more."""


class Ports(Protocol):
    """Whatever a port raises becomes the outcome of the block, save `LostExecution`, which ends the driver."""

    def clock_ms(self) -> float:
        """Milliseconds since 1970 that never go back while the process lives: a wall clock's start and a monotonic
        clock's steps. A run that is resumed elsewhere counts its time from where it began."""
        ...

    def append(self, events: Sequence[Event]) -> Awaitable[None] | None:
        """Store events, all or none, before what follows them is done. None where that needs no waiting.

        Events of a number ``n`` that is stored already are the same events again, and are left alone: a call that was
        given up may have come through. Raises `LostExecution` where the lease is somebody else's.
        """
        ...

    def invoke(self, call: Invocation, timeout_ms: float) -> Awaitable[Outcome]:
        """Call the plugin. The flow goes on after ``timeout_ms``, answered or not, and cancels this.

        So that the outcome can still tell what happened (generation, layer), give the plugin a deadline that is shorter
        by what its end costs (``graceMs`` and the way back). ``call.handler`` may be "": see `pick_handler`.
        """
        ...

    def send_message(self, to: str, text: str) -> Awaitable[None]:
        """Hand a message over for ``to``: ``customer`` or ``agent``. Cancelled when its time is over."""
        ...

    def has_queue(self, queue_id: str) -> bool:
        """Whether ``queue_id`` can be routed to, as far as is known here without asking anybody. True if unknown."""
        ...


def pick_handler(handlers: Sequence[str], wanted: str) -> str:
    """The handler that a flow's call means: the one it names, or the plugin's only one.

    Raises `SandboxError` ``HANDLER_NOT_FOUND``.
    """
    if not wanted and len(handlers) == 1:
        return handlers[0]
    if wanted in handlers:
        return wanted
    known = ", ".join(sorted(handlers)) or "none"
    why = f"there is no handler {wanted!r}" if wanted else 'the block names no handler, and there is not just one'
    raise SandboxError(Code.HANDLER_NOT_FOUND, f"{why}; the plugin has: {known}")
