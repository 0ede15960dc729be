"""Whether each fallback of a run was taken inside its window: the time from a block's beginning to its own limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pysandbox.core.flow.effects import Event

LATE_MS: Final = 50
"""By how much a timer may be late: it is part of the window, as a busy machine needs it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A fallback: which branch, when, and when it had to be at the latest. Times are the flow's."""

    block: str
    branch: str
    to: str
    code: str
    at_ms: float
    window_ms: float

    @property
    def inside(self) -> bool:
        return self.at_ms <= self.window_ms


def fallbacks(journal: Sequence[Event]) -> Iterator[Window]:
    """Every failure of a block in ``journal``, which is one of ours."""
    until: dict[str, float] = {}
    for event in journal:
        if event["event"] == "blockStarted":
            until[event["block"]] = event["untilMs"]
        elif event["event"] == "blockEnded" and "errorCode" in event.get("outcome", {}):
            at_ms = event["atMs"]
            yield Window(
                event["block"], event["branch"], event["to"], event["outcome"]["errorCode"], at_ms,
                until.pop(event["block"], at_ms) + LATE_MS)
