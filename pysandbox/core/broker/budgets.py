"""What one plugin has used up, counted on the host's side, and how often it met which limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Sized

from pysandbox.core import binary, strict_json
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import default

MAX_HITS = 1_000_000  # a count that telemetry can carry


class Hits:
    """How often each limit was met since it was last told."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str) -> None:
        self._counts[name] = min(self._counts[name] + 1, MAX_HITS)

    def take(self) -> Mapping[str, int]:
        """By name, and forget it."""
        told = dict(self._counts)
        self._counts.clear()
        return told


# Of a worker's memory the interpreter takes this much before anybody's code runs, its code's static data included;
# the allocator counts the smaller figure as in use. Measured after the snapshot's restore.
INTERPRETER_BYTES = 25 * 1024 * 1024
INTERPRETER_USED_BYTES = 11 * 1024 * 1024


def pressure_bytes(memory_limit_mb: int, percent: int) -> int:
    """Bytes in use, as the allocator counts them, from which a plugin is under memory pressure.

    That is ``percent`` of what the cap leaves to the plugin, beside the interpreter's own.
    """
    room = memory_limit_mb * 1024 * 1024 - INTERPRETER_BYTES
    return INTERPRETER_USED_BYTES + room * percent // 100


def too_large_or_deep(
    text: str, buffers: Sequence[Sized], limit: Callable[[str], int], hit: Callable[[str], None],
) -> SandboxError | None:  # fmt: skip
    """Why JSON of the page's own, or its bytes, is over a plugin's budget for one message."""
    fault = binary.too_large(buffers, limit)
    if fault is not None:
        hit(fault[0])
        return SandboxError(Code.MESSAGE_LIMIT, f"the value's bytes: {fault[1]}")
    if len(text) > limit("messageChars"):
        hit("messageChars")
        return SandboxError(Code.MESSAGE_LIMIT, "the value is larger than isolation.limits.messageChars")
    if text.count("[") + text.count("{") <= default("messageDepth"):
        return None  # whatever it looks like, it cannot nest deeper than that
    try:
        strict_json.check_depth(text)
    except ProtocolViolation as fault:
        hit("messageDepth")
        return SandboxError(Code.MESSAGE_LIMIT, fault.message)
    return None
