"""What the host needs of its worker, and nothing more. `boot.py` implements it over JavaScript, tests in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence, Sized
from typing import Protocol

from pysandbox.core.broker import world
from pysandbox.core.broker.proxying import Incoming
from pysandbox.host.exchange import Outgoing


class World(world.World, Protocol):
    """What every place that runs plugins has, the page, and the gateway."""

    def epoch_ms(self) -> float:
        """This machine's wall clock."""
        ...

    def to_page(self, kind: str, id: str, cid: str, payload: str, buffers: Sequence[Sized] = ()) -> None: ...
    def fetch(self, method: str, path: str, token: str) -> Awaitable[tuple[int, bytes]]:
        """One bounded request to the gateway's origin. Raises ConnectionError."""
        ...

    def leave_behind(self, token: str) -> None:
        """Should the page go away without a word, the session of this token is to be ended; of none, for ""."""
        ...

    def hold(self, telemetry: str) -> None:
        """What the session has to tell should the page go away without a word, as JSON; "" for nothing."""
        ...

    def post(self, path: str, token: str, body: str) -> Awaitable[tuple[int, bytes]]:
        """As `fetch`, with JSON to send."""
        ...

    def exchange(self, outgoing: Outgoing) -> Awaitable[Incoming]:
        """One request to the gateway in a plugin's name.

        Raises TimeoutError, OverflowError (more than ``max_bytes``), ConnectionError (also when it was hung up).
        """
        ...

    def hang_up(self, id: str) -> None:
        """Nobody waits for this exchange any more. Harmless when it has ended."""
        ...
