"""What a browser sends becomes rows, or is refused: judged, redacted a second time, stamped by the session.

Tenant, subject and vendor are never read from a record; the plugin must be one of the tenant's.
Must not know: SQL, HTTP.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.telemetry import record as shape
from pysandbox.core.telemetry.redact import Redactor
from pysandbox.gateway.telemetry.keys import TelemetryKeys

MAX_RECORDS: Final = 100
MAX_BODY_BYTES: Final = 512 * 1024
AHEAD_MS: Final = 5 * 60 * 1000
"""A clock may be that much fast; later than that is taken for now."""
_MOST_TOLD: Final = 20
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS: Final = dt.timedelta(milliseconds=1)
_TEXT: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One record, ready to be kept."""

    id: str
    at_ms: int
    told: Mapping[str, Any]

    @property
    def body(self) -> str:
        return _TEXT.encode(self.told)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose records they are. ``words(plugin, version)``: those of the plugin's own log; None: not of this tenant."""

    tenant: str
    subject: str
    words: Callable[[str, str], frozenset[str] | None]


def read_batch(body: Mapping[str, object], sender: Sender, keys: TelemetryKeys, now_ms: int) -> tuple[list[Row], int]:
    """The rows of a request's body ``{"records": […], "gap": n}``, and the gap.

    Raises `SandboxError` ``INPUT_INVALID`` with what is wrong, and then nothing of it is kept.
    """
    records, gap = body.get("records"), body.get("gap", 0)
    found = [Problem(f"$.{name[:64]}", "is not known", "send records and gap") for name in body.keys() - {
        "records", "gap"}]
    if not isinstance(records, list) or len(cast("list[object]", records)) > MAX_RECORDS:
        found.append(Problem("$.records", f"is a list of at most {MAX_RECORDS} records", "send more than one request"))
        records = []
    if not isinstance(gap, int) or isinstance(gap, bool) or not 0 <= gap <= shape.MAX_COUNT:
        found.append(Problem("$.gap", "is how many records were dropped", "send a whole number, or leave it out"))
    rows: list[Row] = []
    for at, told in enumerate(cast("list[object]", records)):
        wrong = shape.problems(told) or _foreign(cast("dict[str, Any]", told), sender)
        found += [Problem(f"$.records[{at}]{one.path[1:]}", one.rule, one.cure) for one in wrong]
        if not wrong:
            rows.append(_row(cast("dict[str, Any]", told), sender, keys, now_ms))
    if found:
        raise SandboxError(Code.INPUT_INVALID, "the telemetry is not as it should be", details=found[:_MOST_TOLD])
    return rows, cast(int, gap)


def _foreign(told: Mapping[str, Any], sender: Sender) -> Sequence[Problem]:
    if sender.words(told["pluginId"], told["version"]) is None:
        return [Problem("$.pluginId", "is no plugin of this tenant", "send records of plugins that the gateway gave")]
    return ()


def _row(told: Mapping[str, Any], sender: Sender, keys: TelemetryKeys, now_ms: int) -> Row:
    at_ms = min(epoch_ms(told["timestamp"]), now_ms + AHEAD_MS)
    redactor = Redactor(sender.words(told["pluginId"], told["version"]) or frozenset())
    kept: dict[str, Any] = {
        **told, "vendor": shape.vendor_of(told["pluginId"]),
        "subject": keys.subject(sender.tenant, sender.subject, at_ms)}
    if told["payloadHash"] is not None:
        kept["payloadHash"] = keys.rekeyed(sender.tenant, told["payloadHash"], at_ms)
    if told["errorDetails"] is not None:
        shown = redactor.text(told["errorDetails"]["message"])
        kept["errorDetails"] = {**told["errorDetails"], "message": shown.text}
        kept["masked"] += shown.masked
    if told["log"] is not None:
        shown, (fields, masked) = redactor.text(told["log"]["message"]), redactor.fields(told["log"]["fields"])
        kept["log"] = {"level": told["log"]["level"], "message": shown.text, "fields": fields}
        kept["masked"] += shown.masked + masked
    return Row(told["id"], at_ms, kept)


def epoch_ms(timestamp: str) -> int:
    """``2024-05-15T14:32:11.000Z`` as epoch milliseconds; 0 for a day that no calendar has."""
    try:
        return (dt.datetime.fromisoformat(timestamp) - _EPOCH) // _MS
    except ValueError:
        return 0
