"""What a worker says without being asked (events, progress, log lines), and how much of it is told to the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pysandbox.core import strict_json
from pysandbox.core.broker.plugin_words import limit_of_log
from pysandbox.core.envelope import Envelope
from pysandbox.core.rate import Rate

MAX_SPEAKERS: Final = 256  # invocations whose events are counted; what an older one still says is dropped


class Speech:
    """Events are counted by correlation id: what an invocation said may come after its result."""

    def __init__(
        self, *, limit: Callable[[str], int], hit: Callable[[str], None], tell: Callable[[str, str, str], None],
        now_ms: float,
    ) -> None:  # fmt: skip
        self._limit = limit
        self._hit = hit
        self._tell = tell
        self._log_rate = Rate(limit("logBytesPerSecond"), now_ms)
        self._events: dict[str, int] = {}

    def new_worker(self) -> None:
        """Its import and on_load speak without a correlation id."""
        self._events = {"": 0}

    def new_invocation(self, cid: str) -> None:
        self._events.pop(cid, None)
        self._events[cid] = 0
        if len(self._events) > MAX_SPEAKERS:
            del self._events[next(iter(self._events))]

    def said(self, envelope: Envelope, now_ms: float) -> None:
        """Tell it on, or drop and count it. Raises ProtocolViolation."""
        value = strict_json.loads(envelope.payload, max_chars=self._limit("messageChars"))
        if envelope.kind == "log":
            met = limit_of_log(value)
            if met:
                self._hit(met)
            within, budget = self._log_rate.take(len(envelope.payload), now_ms), "logBytesPerSecond"
        else:
            within, budget = self._counted(envelope.cid), "eventsPerInvocation"
        if within:
            self._tell(envelope.kind, envelope.cid, envelope.payload)
        else:
            self._hit(budget)

    def _counted(self, cid: str) -> bool:
        said = self._events.get(cid)
        if said is None or said >= self._limit("eventsPerInvocation"):
            return False
        self._events[cid] = said + 1
        return True
