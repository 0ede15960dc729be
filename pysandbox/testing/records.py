"""What a fake context keeps of what a handler did: tuples, so that a test compares them with plain ones.

Must not know: contexts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pysandbox.core import binary, strict_json


class LogLine(NamedTuple):
    """One line of ``ctx.log``; ``level`` is ``debug``, ``info``, ``warning`` or ``error``."""

    level: str
    message: str
    fields: dict[str, Any]


class Call(NamedTuple):
    """One ``ctx.call``."""

    permission: str
    args: Any


class Event(NamedTuple):
    """One ``ctx.emit``."""

    event: str
    data: Any


class Progress(NamedTuple):
    """One ``ctx.progress``."""

    fraction: float
    message: str


class FakeLog:
    """Implements `pysandbox.plugin.context.Log`; keeps each line in ``lines``."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def debug(self, message: str, **fields: Any) -> None:
        self._add("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._add("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._add("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._add("error", message, fields)

    def _add(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.lines.append(LogLine(level, message, copied(fields)))


def crossed(value: Any) -> Any:
    """As `copied`, for values that may hold bytes: those are `bytes` on the other side."""
    text, buffers = binary.dumps(value)
    return binary.join(strict_json.loads(text), buffers)


def copied(value: Any) -> Any:
    """``value`` as the other side would see it. Raises `SandboxError` if it is no JSON, or too large."""
    return strict_json.loads(strict_json.dumps(value))
