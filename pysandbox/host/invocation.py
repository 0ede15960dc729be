"""One call of a handler, as the host keeps it from the page's message to its one outcome."""

from __future__ import annotations

from dataclasses import dataclass

from pysandbox.host.slot import Slot


@dataclass(slots=True)
class Invocation:
    """Times are the host's own milliseconds; `slot` is where it was dispatched, None while it waits."""

    page_id: str
    cid: str
    method: str
    payload: str
    deadline_ms: int
    started_ms: float
    id: str = ""
    slot: Slot | None = None
    aborted: bool = False
    calls: int = 0  # guarded calls so far
