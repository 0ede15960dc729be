"""One request to the gateway in a plugin's name, and its answer, as `World.exchange` knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outgoing:
    """``path`` with its query, relative to the gateway's origin. More than ``max_bytes`` of an answer are not read."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)  # the session's token is among them
    body: bytes
    timeout_ms: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """``headers`` have lower-case names. ``body`` can be handed on once, unread; ``read()`` gives a copy of it."""

    status: int
    headers: Mapping[str, str]
    body: Sized
    read: Callable[[], bytes]
