"""Batches as browsers send them: one session, some plugins, a hundred records of a minute or two, by a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from pysandbox.core.telemetry import record
from pysandbox.gateway.telemetry.intake import MAX_RECORDS, Sender
from pysandbox.gateway.telemetry.keys import TelemetryKeys
from tests.unit.gateway.telemetry.records import timestamp

KEYS = TelemetryKeys(b"k" * 32)
DAY_MS = 24 * 3600 * 1000
PLUGINS = [f"com.vendor{number % 7}.plugin-{number}" for number in range(20)]
QUEUES = ["support", "sales", "billing", ""]
BAD = [("error", "PLUGIN_ERROR"), ("timeout", "PLUGIN_TIMEOUT"), ("killed", "MEMORY_EXCEEDED")]
ENDINGS = [("ok", None)] * 46 + BAD


def sender(subject: str) -> Sender:
    return Sender("acme", subject, lambda _plugin, _version: frozenset({"frobnicated"}))


def batches(count: int, begin_ms: int, end_ms: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """``(user, body)``: ``count`` records, from ``begin_ms`` to ``end_ms``."""
    source = random.Random(seed)
    for first in range(0, count, MAX_RECORDS):
        at_ms = begin_ms + (end_ms - begin_ms) * first // count
        plugins, queue = source.sample(PLUGINS, 2), source.choice(QUEUES)
        environment = "prod" if source.random() < 0.8 else "staging"
        told = [
            {**one(source, at_ms + number * 900), "pluginId": source.choice(plugins), "queue": queue,
             "environment": environment} for number in range(min(MAX_RECORDS, count - first))]
        yield f"agent-{source.randrange(500)}", json.dumps({"records": told, "gap": 0}).encode()


def one(source: random.Random, at_ms: int) -> dict[str, Any]:
    """Nine invocations, then a log line, more or less; an alert now and then."""
    dice = source.random()
    kind = "log" if dice < 0.1 else "alert" if dice < 0.101 else "invocation"
    told = {
        **record.empty(kind), "id": f"{source.getrandbits(128):032x}", "timestamp": timestamp(at_ms),
        "vendor": "com.vendor", "version": "2.1.0", "correlationId": f"c-{source.getrandbits(64):016x}"}
    if kind == "log":
        return {**told, "log": {"level": "info", "message": "called with status 200", "fields": {"count": 3}}}
    if kind == "alert":
        return {**told, "alert": {"code": "PROTOCOL_VIOLATION", "rule": "seq", "evidence": "ab12"}}
    status, code = source.choice(ENDINGS)
    return {
        **told, "handler": "evaluate", "status": status, "code": code, "payloadBytes": {"in": 900, "out": 300},
        "payloadHash": f"hmac-sha256:{source.getrandbits(256):064x}",
        "errorDetails": None if code is None else {"code": code, "message": "it failed", "layer": "plugin"},
        "metrics": {
            "durationMs": round(source.lognormvariate(5, 0.8), 1), "memoryUsedMB": round(source.uniform(20, 60), 1),
            "networkLatencyMs": 0, "statusCode": record.status_code(status)}}
