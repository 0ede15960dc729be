"""Counts of a day so far as OTLP metrics: cumulative, so that a lost or repeated one does no harm.

A day's totals begin at its midnight, UTC. Must not know: how they are sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from pysandbox.core.telemetry.sketch import value_of
from pysandbox.gateway.telemetry.export.attributes import attributes

_CUMULATIVE: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_NS: Final = 10**9
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
MEGABYTES: Final = (16.0, 32.0, 64.0, 96.0, 128.0, 192.0, 256.0, 512.0)
_SUMS: Final = {
    "status": ("pysandbox.invocations", "{invocation}", "pysandbox.status"),
    "alert": ("pysandbox.security_alerts", "{alert}", "error.type"),
    "masked": ("pysandbox.telemetry.masked", "{piece}", ""),
    "gap": ("pysandbox.telemetry.gap", "{record}", "")}
_HISTOGRAMS: Final = {
    "latency": ("pysandbox.invocation.duration", "s", SECONDS, 1000.0),
    "memory": ("pysandbox.invocation.memory", "MBy", MEGABYTES, 1.0)}

Count = Mapping[str, Any]
"""A row of the counts: ``tenant``, ``plugin_id``, …, ``measure``, ``bucket``, ``count``, ``total``."""


def metrics(rows: Iterable[Count], begin_s: int, until_s: int) -> dict[str, list[Metric]]:
    """By tenant."""
    found: defaultdict[str, dict[str, Metric]] = defaultdict(dict)
    points: dict[tuple[str, ...], HistogramDataPoint] = {}
    for row in rows:
        kind, _, name = row["measure"].partition(".")
        of_tenant = found[row["tenant"]]
        if kind in _SUMS:
            called, unit, attribute = _SUMS[kind]
            metric = of_tenant.setdefault(called, Metric(name=called, unit=unit, sum=Sum(
                aggregation_temporality=_CUMULATIVE, is_monotonic=True)))
            metric.sum.data_points.append(NumberDataPoint(
                as_int=row["count"], attributes=_place(row, {attribute: name} if attribute else {}),
                start_time_unix_nano=begin_s * _NS, time_unix_nano=until_s * _NS))
        elif kind in _HISTOGRAMS:
            called, unit, bounds, scale = _HISTOGRAMS[kind]
            metric = of_tenant.setdefault(called, Metric(name=called, unit=unit, histogram=Histogram(
                aggregation_temporality=_CUMULATIVE)))
            key = (called, *(row[one] for one in ("tenant", "plugin_id", "queue", "environment", "context")))
            if key not in points:
                points[key] = metric.histogram.data_points.add(
                    explicit_bounds=bounds, bucket_counts=[0] * (len(bounds) + 1), attributes=_place(row, {}),
                    start_time_unix_nano=begin_s * _NS, time_unix_nano=until_s * _NS)
            _put(points[key], row, scale)
    return {tenant: list(of_tenant.values()) for tenant, of_tenant in found.items() if of_tenant}


def _put(point: HistogramDataPoint, row: Count, scale: float) -> None:
    value = value_of(row["bucket"]) / scale
    at = sum(value > bound for bound in point.explicit_bounds)
    point.bucket_counts[at] += row["count"]
    point.count += row["count"]
    point.sum += row["total"] / scale


def _place(row: Count, more: Mapping[str, str]) -> list[KeyValue]:
    return attributes({
        "pysandbox.plugin.id": row["plugin_id"], "pysandbox.vendor": row["vendor"], "pysandbox.queue": row["queue"],
        "deployment.environment.name": row["environment"], "pysandbox.context": row["context"], **more})
