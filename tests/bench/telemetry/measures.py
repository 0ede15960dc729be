"""What is measured on one database: taking in, answering, forgetting while more comes in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry import figures
from pysandbox.gateway.telemetry.intake import read_batch
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.bench.telemetry.traffic import DAY_MS, KEYS, PLUGINS, batches, sender

SWEEP_EVERY = 50_000
ROUNDS = 20


async def take(store: TelemetryStore, user: str, body: bytes, now_ms: int) -> int:
    """From a request's bytes to what is committed."""
    rows, gap = read_batch(json.loads(body), sender(user), KEYS, now_ms)
    return await store.keep("acme", rows, gap, now_ms)


async def ingest(store: TelemetryStore, count: int, now_ms: int) -> dict[str, float]:
    """``count`` records of the 29 days before ``now_ms``, batch after batch; only taking them in is timed."""
    wall_s = cpu_s = 0.0
    last: list[float] = []
    kept = 0
    for user, body in batches(count, now_ms - 29 * DAY_MS, now_ms):
        wall, cpu = time.perf_counter(), time.process_time()
        kept += await take(store, user, body, now_ms)
        last.append(time.perf_counter() - wall)
        wall_s += last[-1]
        cpu_s += time.process_time() - cpu
        if kept % SWEEP_EVERY == 0:
            await store.sweep(now_ms)
    assert kept == count
    tail = last[-max(1, len(last) // 10):]
    return {
        "records": count, "recordsPerSecond": round(count / wall_s), "recordsPerCpuSecond": round(count / cpu_s),
        "recordsPerSecondOfLastTenth": round(100 * len(tail) / sum(tail)), "batchMsP95": share_ms(last, 0.95)}


def questions(store: TelemetryStore, now_ms: int, cid: str) -> dict[str, Callable[[], Awaitable[object]]]:
    """What a dashboard asks."""
    now_s, hour, day = now_ms // 1000, 3600, 86_400
    found: dict[str, Callable[[], Awaitable[object]]] = {}
    windows = {"hour": hour, "3 hours": 3 * hour, "day": day, "4 days": 4 * day, "30 days": 30 * day}
    for name, window_s in windows.items():
        for by in ("plugin", "queue"):
            found[f"health by {by}, {name}"] = lambda by=by, window_s=window_s: figures.health(
                store, "acme", by, window_s, now_s)
        found[f"series, {name}"] = lambda window_s=window_s: figures.series(store, "acme", window_s, now_s, {})
        found[f"series of a plugin, {name}"] = lambda window_s=window_s: figures.series(
            store, "acme", window_s, now_s, {"plugin": PLUGINS[3]})
    for name, most in {
        "newest": {}, "newest of a plugin": {"plugin_id": PLUGINS[3]}, "newest killed": {"status": "killed"},
        "newest killed of a plugin": {"plugin_id": PLUGINS[3], "status": "killed"},
        "newest alerts": {"kind": "alert"}, "one correlation id": {"correlation_id": cid},
        "of no such status": {"status": "aborted"},
    }.items():  # fmt: skip
        found[f"records, {name}"] = lambda most=most: store.newest("acme", limit=100, most=most)
    found["tenants"] = lambda: store.tenants(now_s - 900)
    return found


async def ask(store: TelemetryStore, now_ms: int) -> dict[str, dict[str, float]]:
    """Milliseconds by question."""
    cid = (await store.newest("acme", limit=1))[0]["correlationId"]
    found: dict[str, dict[str, float]] = {}
    for name, question in questions(store, now_ms, cid).items():
        times: list[float] = []
        began_cpu = time.process_time()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await question()
            times.append(time.perf_counter() - began)
        cpu_ms = round((time.process_time() - began_cpu) * 1000 / ROUNDS, 2)
        found[name] = {"p50": share_ms(times, 0.5), "p95": share_ms(times, 0.95), "cpu": cpu_ms}
    return found


async def forget(database: Database, now_ms: int, count: int) -> dict[str, Any]:
    """Ten days later a third is too old: deleted while ``count`` records come in, and as many before without that."""
    store, later_ms = TelemetryStore(database), now_ms + 10 * DAY_MS
    alone = await _timed(store, count, later_ms, seed=2)
    sweeping = asyncio.create_task(store.sweep(later_ms))
    beside = await _timed(store, count, later_ms, seed=3, until=sweeping)
    return {
        "deleted": await sweeping, "batchMsP95Alone": share_ms(alone, 0.95), "batchMsP95Beside": share_ms(beside, 0.95),
        "batchMsMostBeside": share_ms(beside, 1.0), "batchesBeside": len(beside)}


async def _timed(
    store: TelemetryStore, count: int, now_ms: int, seed: int, until: asyncio.Task[int] | None = None,
) -> list[float]:  # fmt: skip
    times: list[float] = []
    for user, body in batches(count, now_ms - 60_000, now_ms, seed):
        if until is not None and until.done():
            break
        began = time.perf_counter()
        await take(store, user, body, now_ms)
        times.append(time.perf_counter() - began)
    return times


def share_ms(times: list[float], share: float) -> float:
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000, 2)
