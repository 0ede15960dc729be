"""How a command that serves is told to end."""

from __future__ import annotations

import signal
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, Self

_LOOK_S: Final = 1.0  # where a signal wakes nobody (Windows), it is seen so late


class Ending:
    """``with Ending() as ending``: from here on SIGINT and SIGTERM raise nothing, so that nothing is cut off half-way.

    A simple queue, since a handler may run in the middle of whatever its own thread does with a lock.
    """

    def __init__(self) -> None:
        self._told: SimpleQueue[int] = SimpleQueue()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, lambda told, _frame: self._told.put(told))
            for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait(self) -> None:
        """Until either comes, or at once where one came already."""
        told = False
        while not told:
            with suppress(Empty):
                told = bool(self._told.get(timeout=_LOOK_S))
