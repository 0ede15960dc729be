"""Records as browsers send them, and senders."""

from __future__ import annotations

import time
from typing import Any

from pysandbox.core.telemetry import record
from pysandbox.gateway.telemetry.intake import Row, Sender, read_batch
from pysandbox.gateway.telemetry.keys import TelemetryKeys

PLUGIN = "com.vendor.risk-scoring"
KEYS = TelemetryKeys(b"k" * 32)
NOW_MS = 1_700_000_000_000
SENDER = Sender("acme", "ada", lambda plugin, _version: frozenset({"frobnicated"}) if plugin == PLUGIN else None)


def timestamp(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ms // 1000)) + f".{at_ms % 1000:03}Z"


def told(number: int = 0, at_ms: int = NOW_MS, kind: str = "invocation", **more: Any) -> dict[str, Any]:
    """A good record; ``more`` replaces its fields."""
    metrics = {"durationMs": 120, "memoryUsedMB": 40, "networkLatencyMs": 0, "statusCode": 200}
    return {
        **record.empty(kind), "id": f"{number:032x}", "timestamp": timestamp(at_ms), "pluginId": PLUGIN,
        "version": "2.1.0", "vendor": "com.vendor", "queue": "support", "environment": "prod", "handler": "evaluate",
        "correlationId": "c-1",
        **({"status": "ok", "metrics": metrics} if kind == "invocation" else {}), **more}


def failed(number: int, at_ms: int = NOW_MS, **more: Any) -> dict[str, Any]:
    metrics = {"durationMs": 3000, "memoryUsedMB": 40, "networkLatencyMs": 0, "statusCode": 504}
    return told(number, at_ms, status="timeout", code="PLUGIN_TIMEOUT", metrics=metrics, **more)


def rows(*records: dict[str, Any], now_ms: int = NOW_MS, sender: Sender = SENDER) -> list[Row]:
    return read_batch({"records": list(records)}, sender, KEYS, now_ms)[0]
