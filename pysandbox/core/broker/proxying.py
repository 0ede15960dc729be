"""What a plugin's life needs of the API proxy, whoever sends the requests: the browser's host or a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Final, Protocol

from pysandbox.core.csp import Csp
from pysandbox.core.errors import SandboxError

PERMISSION: Final = "integration:proxy:invoke"


@dataclass(frozen=True, slots=True)
class Asker:
    """The plugin that asks. ``name`` is ``id@version``, ``csp`` its manifest's; ``invocation``: in whose name it asks,
    unique within its session."""

    name: str
    csp: Csp
    max_bytes: int
    invocation: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """``headers`` have lower-case names. ``body`` can be handed on once, unread; ``read()`` gives a copy of it."""

    status: int
    headers: Mapping[str, str]
    body: Sized
    read: Callable[[], bytes]


Answer = Incoming | SandboxError
Done = Callable[[Answer], None]


class Proxy(Protocol):
    """The proxy of one session."""

    def ask(self, asker: Asker, id: str, asked: object, left_ms: float, cid: str, done: Done) -> None:
        """Send what the plugin asked; ``done`` hears of the answer or of why there is none, unless hung up before.

        ``left_ms``: until the end of the invocation that it belongs to.
        """
        ...

    def hang_up(self, id: str) -> None:
        """Nobody waits for this answer any more. Harmless when it has come."""
        ...
