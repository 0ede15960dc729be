"""Requests of the proxy as records: along which route, how each ended, how long it took, and whose part it was.

Made by the gateway, of nothing that a plugin or an upstream wrote. No request waits for its record.
Must not know: HTTP.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from pysandbox.core.telemetry import record
from pysandbox.gateway.proxy.endpoint import Proxied
from pysandbox.gateway.telemetry.intake import Row
from pysandbox.gateway.telemetry.keys import TelemetryKeys
from pysandbox.gateway.telemetry.store import TelemetryStore

FLUSH_S: Final = 0.5
MOST: Final = 5000
"""That wait to be stored, while the database is away; the oldest is dropped, and counted."""
_AT_ONCE: Final = 500


class RequestLog:
    """``now_ms()``: epoch milliseconds."""

    def __init__(self, store: TelemetryStore, keys: TelemetryKeys, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._keys = keys
        self._now_ms = now_ms
        self._waiting: deque[tuple[int, str, Proxied]] = deque()
        self._dropped: Counter[str] = Counter()

    def note(self, ended: Proxied) -> None:
        """It has just ended."""
        if len(self._waiting) >= MOST:
            self._dropped[self._waiting.popleft()[2].caller.tenant] += 1
        # Its id is made now: stored twice, after a failure whose end nobody knows, it is one record.
        self._waiting.append((self._now_ms(), ended.trace.span + secrets.token_hex(8), ended))

    async def flush(self) -> None:
        """Store what waits. Raises `SandboxError` where that cannot be done; then it waits on."""
        while self._waiting:
            taken = [self._waiting[at] for at in range(min(len(self._waiting), _AT_ONCE))]
            rows: defaultdict[str, list[Row]] = defaultdict(list)
            for at_ms, id, ended in taken:
                rows[ended.caller.tenant].append(self._row(at_ms, id, ended))
            for tenant, of_tenant in rows.items():
                gap = self._dropped[tenant]
                await self._store.keep(tenant, of_tenant, gap, self._now_ms())
                self._dropped[tenant] -= gap
            stored = {id for _, id, _ in taken}
            while self._waiting and self._waiting[0][1] in stored:  # some may have been dropped meanwhile
                self._waiting.popleft()

    def _row(self, at_ms: int, id: str, ended: Proxied) -> Row:
        caller = ended.caller
        plugin_id, _, version = caller.plugin.partition("@")
        told: dict[str, Any] = {
            **record.empty(record.REQUEST), "id": id, "timestamp": _iso(at_ms),
            "correlationId": ended.trace.correlation_id, "pluginId": plugin_id,
            "vendor": record.vendor_of(plugin_id), "version": version,
            "subject": self._keys.subject(caller.tenant, caller.subject, at_ms),
            "code": None if ended.code is None else ended.code.value,
            "metrics": {
                "durationMs": round(ended.took_ms, 1), "memoryUsedMB": 0,
                "networkLatencyMs": round(ended.upstream_ms, 1), "statusCode": ended.status},
            "request": {
                "route": ended.route, "method": ended.method, "outcome": ended.outcome, "parent": ended.trace.parent}}
        return Row(id, at_ms, told)


def _iso(at_ms: int) -> str:
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
