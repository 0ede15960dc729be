"""Calls that wait for their one reply. Ids are one-shot: an unknown or repeated one is a violation.

Must not know: time, transport, what a call is about.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pysandbox.core.errors import ProtocolViolation

T = TypeVar("T")


class PendingCalls(Generic[T]):
    """Hands out ids and takes each back once. ``prefix`` keeps two tables' ids apart in logs."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._next = 1
        self._waiting: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id: str) -> bool:
        return id in self._waiting

    def open(self, item: T) -> str:
        """A fresh id under which ``item`` waits."""
        id = f"{self._prefix}{self._next}"
        self._next += 1
        self._waiting[id] = item
        return id

    def settle(self, id: str) -> T:
        """Takes the item that waits under ``id``. Raises ProtocolViolation for an id unknown or already answered."""
        try:
            return self._waiting.pop(id)
        except KeyError:
            raise ProtocolViolation("unknown-id") from None

    def discard(self, id: str) -> T | None:
        """Takes the item if it still waits; for our own side's clean-up, where a lost race is no fault."""
        return self._waiting.pop(id, None)

    def peek(self, id: str) -> T | None:
        return self._waiting.get(id)

    def items(self) -> list[tuple[str, T]]:
        """What waits now, oldest first."""
        return list(self._waiting.items())

    def drain(self) -> list[tuple[str, T]]:
        """Every call that still waits, oldest first; afterwards none does."""
        items = list(self._waiting.items())
        self._waiting.clear()
        return items
