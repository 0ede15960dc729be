"""What waits to be sent: bounded, oldest dropped first with a count, sent in batches, tried again with backoff.

A batch stays here until it is acknowledged, and each record has an id: what arrives twice is one record.
Must not know: how anything is sent, what a record says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

MAX_RECORDS: Final = 1000
MAX_CHARS: Final = 1_000_000
BATCH_RECORDS: Final = 100
BATCH_CHARS: Final = 200_000
BASE_MS: Final = 1000.0
MOST_MS: Final = 60_000.0


class Outbox:
    """Of records that are JSON text already. ``jitter()``: from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._records: deque[str] = deque()
        self._chars = 0
        self._sent = 0  # how many at the front are on their way
        self._failures = 0
        self.gap = 0
        """Records that were dropped since the last acknowledgement."""

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: str) -> None:
        self._records.append(record)
        self._chars += len(record)
        while len(self._records) > MAX_RECORDS or self._chars > MAX_CHARS:
            self._chars -= len(self._records.popleft())
            self._sent = max(0, self._sent - 1)
            self.gap += 1

    def batch(self) -> str:
        """The body of a request with the oldest of them, which are on their way from now on; "" for nothing."""
        taken = self._oldest(BATCH_CHARS)
        self._sent = len(taken)
        return self._body(taken)

    def waiting(self, most_chars: int) -> str:
        """As `batch`, of a size of one's own, to look at: nothing is on its way because of it."""
        return self._body(self._oldest(most_chars))

    def _oldest(self, most_chars: int) -> list[str]:
        taken: list[str] = []
        chars = 0
        for record in self._records:
            chars += len(record)
            if taken and (chars > most_chars or len(taken) >= BATCH_RECORDS):
                break
            taken.append(record)
        return taken

    def _body(self, taken: list[str]) -> str:
        """``{"records": […], "gap": n}``."""
        return f'{{"records":[{",".join(taken)}],"gap":{self.gap}}}' if taken or self.gap else ""

    def acknowledged(self, gap: int) -> None:
        """The last batch has arrived, and ``gap`` with it."""
        for _ in range(self._sent):
            self._chars -= len(self._records.popleft())
        self._sent = 0
        self.gap = max(0, self.gap - gap)
        self._failures = 0

    def refused(self) -> None:
        """The last batch can never be accepted: it is dropped and counted."""
        dropped = self._sent
        self.acknowledged(0)
        self.gap += dropped

    def failed(self) -> float:
        """The last batch has not arrived: how many milliseconds to wait before it is tried again."""
        self._sent = 0
        self._failures += 1
        full = min(MOST_MS, BASE_MS * 2 ** min(self._failures - 1, 16))
        return full * (0.5 + 0.5 * self._jitter())
