"""What ties a proxied request to its session's log: a correlation id, and W3C Trace Context (level 1).

Both come from a browser, and go into logs, answers and upstream requests: what is not of their strict shape is replaced
(attack 77). Must not know: HTTP, randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """Of one request: its correlation id, and the ``traceparent`` of our own span in it."""

    correlation_id: str
    traceparent: str
    parent: str = ""
    """The span that asked; "" where nobody said."""

    @property
    def span(self) -> str:
        """Our own."""
        return self.traceparent[36:52]


def read_trace(correlation_id: str, traceparent: str, random_hex: Callable[[int], str]) -> Trace:
    """The trace that the two header values belong to, or a new one. ``random_hex(n)``: n random bytes."""
    fresh = random_hex(40)  # asked for once: each time is a system call
    if not _CORRELATION_ID.fullmatch(correlation_id):
        correlation_id = fresh[:32]
    found = _TRACEPARENT.fullmatch(traceparent)
    trace_id, parent, flags = found.groups() if found else (fresh[32:64], "", "00")
    return Trace(correlation_id, f"00-{trace_id}-{fresh[64:]}-{flags}", parent)
