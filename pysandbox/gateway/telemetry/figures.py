"""Figures for people and for alerts, from the counts: health by group, and how it went over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pysandbox.core.telemetry.alerts import By, Figures
from pysandbox.core.telemetry.sketch import Sketch
from pysandbox.gateway.telemetry.packing import Counted
from pysandbox.gateway.telemetry.store import TelemetryStore

MOST_MINUTES: Final = 60 * 24 * 400
_FINEST_S: Final = 3 * 3600
_FINE_S: Final = 4 * 24 * 3600


@dataclass(slots=True)
class Group:
    """What happened to one of them."""

    latency: dict[str, int] = field(default_factory=dict[str, int])
    memory: dict[str, int] = field(default_factory=dict[str, int])
    total_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    codes: dict[str, int] = field(default_factory=dict[str, int])
    alerts: dict[str, int] = field(default_factory=dict[str, int])
    failed: int = 0
    masked: int = 0
    gap: int = 0

    def add(self, measure: str, buckets: Mapping[str, int], total: float) -> None:
        kind, _, name = measure.partition(".")
        sketch = {"latency": self.latency, "memory": self.memory}.get(kind)
        if sketch is not None:
            for bucket, count in buckets.items():  # of a month there are many thousands
                sketch[bucket] = sketch.get(bucket, 0) + count
            self.total_ms += total if kind == "latency" else 0
            return
        count = sum(buckets.values())
        by_name = {"status": self.statuses, "code": self.codes, "alert": self.alerts}.get(kind)
        if by_name is not None:
            by_name[name] = by_name.get(name, 0) + count
        elif kind == "failed":
            self.failed += count
        elif kind == "masked":
            self.masked += count
        elif kind == "gap":
            self.gap += count

    @property
    def count(self) -> int:
        return sum(self.latency.values())

    def as_json(self, window_s: float) -> dict[str, Any]:
        quantile, memory = Sketch(self.latency).quantile, Sketch(self.memory).quantile
        return {
            "count": self.count, "failed": self.failed,
            "errorRate": round(self.failed / self.count, 4) if self.count else 0,
            "perMinute": round(self.count * 60 / window_s, 2),
            "averageMs": round(self.total_ms / self.count, 1) if self.count else None,
            "p50Ms": _round(quantile(0.5)), "p95Ms": _round(quantile(0.95)), "p99Ms": _round(quantile(0.99)),
            "memoryMB": _round(memory(0.95)), "killed": self.statuses.get("killed", 0),
            "statuses": self.statuses, "codes": self.codes, "alerts": self.alerts, "masked": self.masked,
            "gap": self.gap}


def step_for(window_s: int) -> int:
    """How finely a window is counted."""
    return 60 if window_s <= _FINEST_S else 3600 if window_s <= _FINE_S else 86_400


async def health(store: TelemetryStore, tenant: str, by: str, window_s: int, now_s: int) -> dict[str, dict[str, Any]]:
    """By group, for the ``window_s`` until now."""
    rows = await store.counted(tenant, _times(window_s, now_s), by)
    return {key: group.as_json(window_s) for key, group in sorted(_grouped(rows).items())}


async def series(
    store: TelemetryStore, tenant: str, window_s: int, now_s: int, where: Mapping[str, str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Over time, oldest first; times in which nothing happened are left out."""
    times = step_s, _, _ = _times(window_s, now_s)
    rows = await store.counted(tenant, times, "", where)
    return [{"at": at_s, **group.as_json(step_s)} for at_s, group in sorted(_grouped(rows).items())]


async def windows(store: TelemetryStore, tenant: str, by: By, window_s: int, now_s: int) -> dict[str, Figures]:
    """What alert rules look at: whole minutes, the last one that is over included."""
    until_s = _begin(now_s, 60)
    rows = await store.counted(tenant, (60, until_s - window_s, until_s), by)
    return {
        key: Figures(group.count, group.failed, group.total_ms) for key, group in _grouped(rows).items() if group.count}


def _grouped(rows: Iterable[Counted]) -> dict[Any, Group]:
    groups: dict[Any, Group] = {}
    for key, measure, buckets, total in rows:
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group()
        group.add(measure, buckets, total)
    return groups


def _times(window_s: int, now_s: int) -> tuple[int, int, int]:
    step_s = step_for(window_s)
    return step_s, _begin(now_s - window_s, step_s), now_s + step_s


def _begin(at_s: int, step_s: int) -> int:
    return at_s // step_s * step_s


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
