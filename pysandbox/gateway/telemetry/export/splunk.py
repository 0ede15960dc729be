"""Records as events of Splunk's HTTP Event Collector, taken once its indexers say so (indexer acknowledgement).

An event is the record, ``id`` included: searches drop what came twice by ``dedup id``. Must not know: SQL.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pysandbox.gateway.telemetry.export.queue import Batch
from pysandbox.gateway.telemetry.export.wire import Answer, NotTakenError, Sender
from pysandbox.gateway.telemetry.intake import epoch_ms

ASK_S: Final = 1.0
ASKS: Final = 30
_EVENTS: Final = "/services/collector/event"
_ACKS: Final = "/services/collector/ack"
_UNFIT_CODES: Final = frozenset({6, 12, 13, 15})
"""What status 400 says of an event: its data, its field ``event`` or its indexed fields are none. Other codes (a wrong
index, no channel, acknowledgement that is off) are settings that somebody mends."""


@dataclass(frozen=True, slots=True)
class SplunkDestination:
    """``channel``: a GUID, by which Splunk keeps acknowledgements apart. ``sleep(seconds)`` between two questions."""

    url: str
    token: str
    channel: str
    wire: Sender
    now_s: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    name: str = "splunk"

    async def send(self, batch: Batch) -> int:
        body = "\n".join(events(batch, self.now_s()))
        told = await self._post(_EVENTS, body)
        ack = told.get("ackId")
        if not isinstance(ack, int) or isinstance(ack, bool):
            raise NotTakenError("Splunk does not acknowledge: turn indexer acknowledgement on for the token")
        for _ in range(ASKS):
            acks = (await self._post(_ACKS, json.dumps({"acks": [ack]}))).get("acks")
            if isinstance(acks, dict) and cast("dict[str, object]", acks).get(str(ack)) is True:
                return 0
            await self.sleep(ASK_S)
        raise NotTakenError("Splunk has not indexed it in time")

    async def _post(self, path: str, body: str) -> Mapping[str, Any]:
        answer = await self.wire.post(self.url.rstrip("/") + path, body.encode(), {
            "Authorization": f"Splunk {self.token}", "X-Splunk-Request-Channel": self.channel,
            "Content-Type": "application/json"})
        told = _read(answer)
        if answer.status == 200:
            return told
        refusal = answer.refusal(self.now_s)
        refusal.unfit = answer.status == 413 or (answer.status == 400 and told.get("code") in _UNFIT_CODES)
        raise refusal


def events(batch: Batch, now_s: float) -> list[str]:
    """One line each; before them how many records it has to do without."""
    found = [_event(epoch_ms(told["timestamp"]) / 1000, {**told, "tenant": tenant}) for tenant, told in batch.records]
    return [_event(now_s, {"kind": "gap", "dropped": batch.gap}), *found] if batch.gap else found


def _event(at_s: float, told: Mapping[str, Any]) -> str:
    return json.dumps(
        {"time": round(at_s, 3), "source": "pysandbox", "sourcetype": "pysandbox:telemetry", "event": told},
        separators=(",", ":"), ensure_ascii=False)


def _read(answer: Answer) -> Mapping[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}
