"""Figures for people and for alerts, from the counts: health by group, and how it went over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pysandbox.core.telemetry.alerts import By, Figures
from pysandbox.core.telemetry.sketch import Sketch
from pysandbox.gateway.store.tables import telemetry_counts as counts
from pysandbox.gateway.telemetry.store import TelemetryStore

GROUPS: Final = {
    "plugin": counts.c.plugin_id, "vendor": counts.c.vendor, "queue": counts.c.queue,
    "environment": counts.c.environment, "context": counts.c.context}
MOST_MINUTES: Final = 60 * 24 * 400
_FINEST_S: Final = 3 * 3600
_FINE_S: Final = 4 * 24 * 3600


@dataclass(slots=True)
class Group:
    """What happened to one of them."""

    latency: Sketch = field(default_factory=Sketch)
    memory: Sketch = field(default_factory=Sketch)
    total_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    codes: dict[str, int] = field(default_factory=dict[str, int])
    alerts: dict[str, int] = field(default_factory=dict[str, int])
    failed: int = 0
    masked: int = 0
    gap: int = 0

    def add(self, measure: str, bucket: int, count: int, total: float) -> None:
        kind, _, name = measure.partition(".")
        by_name = {"status": self.statuses, "code": self.codes, "alert": self.alerts}.get(kind)
        if by_name is not None:
            by_name[name] = by_name.get(name, 0) + count
        elif kind == "latency":
            self.latency.put(bucket, count)
            self.total_ms += total
        elif kind == "memory":
            self.memory.put(bucket, count)
        elif kind == "failed":
            self.failed += count
        elif kind == "masked":
            self.masked += count
        elif kind == "gap":
            self.gap += count

    @property
    def count(self) -> int:
        return self.latency.count

    def as_json(self, window_s: float) -> dict[str, Any]:
        quantile = self.latency.quantile
        return {
            "count": self.count, "failed": self.failed,
            "errorRate": round(self.failed / self.count, 4) if self.count else 0,
            "perMinute": round(self.count * 60 / window_s, 2),
            "averageMs": round(self.total_ms / self.count, 1) if self.count else None,
            "p50Ms": _round(quantile(0.5)), "p95Ms": _round(quantile(0.95)), "p99Ms": _round(quantile(0.99)),
            "memoryMB": _round(self.memory.quantile(0.95)), "killed": self.statuses.get("killed", 0),
            "statuses": self.statuses, "codes": self.codes, "alerts": self.alerts, "masked": self.masked,
            "gap": self.gap}


def step_for(window_s: int) -> int:
    """How finely a window is counted."""
    return 60 if window_s <= _FINEST_S else 3600 if window_s <= _FINE_S else 86_400


async def health(store: TelemetryStore, tenant: str, by: str, window_s: int, now_s: int) -> dict[str, dict[str, Any]]:
    """By group, for the ``window_s`` until now."""
    step_s = step_for(window_s)
    rows = await store.counted(tenant, step_s, _begin(now_s - window_s, step_s), now_s + step_s, GROUPS[by])
    return {key: group.as_json(window_s) for key, group in sorted(_grouped(rows).items())}


async def series(
    store: TelemetryStore, tenant: str, window_s: int, now_s: int, where: Mapping[str, str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Over time, oldest first; times in which nothing happened are left out."""
    step_s = step_for(window_s)
    rows = await store.counted(
        tenant, step_s, _begin(now_s - window_s, step_s), now_s + step_s, counts.c.at_s,
        {GROUPS[name].name: value for name, value in where.items()})
    return [{"at": at_s, **group.as_json(step_s)} for at_s, group in sorted(_grouped(rows).items())]


async def windows(store: TelemetryStore, tenant: str, by: By, window_s: int, now_s: int) -> dict[str, Figures]:
    """What alert rules look at: whole minutes, the last one that is over included."""
    until_s = _begin(now_s, 60)
    rows = await store.counted(tenant, 60, until_s - window_s, until_s, GROUPS[by])
    return {
        key: Figures(group.count, group.failed, group.total_ms) for key, group in _grouped(rows).items() if group.count}


def _grouped(rows: Iterable[tuple[Any, str, int, int, float]]) -> dict[Any, Group]:
    groups: dict[Any, Group] = {}
    for key, measure, bucket, count, total in rows:
        groups.setdefault(key, Group()).add(measure, bucket, count, total)
    return groups


def _begin(at_s: int, step_s: int) -> int:
    return at_s // step_s * step_s


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
