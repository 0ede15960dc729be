"""One request to the gateway in a plugin's name, as `World.exchange` knows it."""

from __future__ import annotations

from collections.abc import Mapping
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
