"""Medians, spreads, ratios and the straight line through memory readings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.model import METRICS, REFERENCE, Samples


@dataclass(frozen=True)
class Summary:
    """A metric's middle and spread for one subject, in the metric's unit; `p95` is the sample that 95 % do not pass."""

    median: float
    q1: float
    q3: float
    low: float
    high: float
    p95: float
    count: int


def summary(values: Sequence[float]) -> Summary:
    """Summarise samples; quartiles are the inclusive ones, so that they stay within the samples."""
    if len(values) == 1:
        only = values[0]
        return Summary(only, only, only, only, only, only, 1)
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive")
    p95 = sorted(values)[math.ceil(0.95 * len(values)) - 1]
    return Summary(median, q1, q3, min(values), max(values), p95, len(values))


def summaries(samples: Samples) -> dict[str, dict[str, Summary]]:
    """Every metric of every subject that has samples."""
    return {
        metric: {subject: summary(values) for subject, values in by_subject.items()}
        for metric, by_subject in samples.ordered()
    }


def ratios(found: Mapping[str, Mapping[str, Summary]], subject: str) -> dict[str, float]:
    """Medians of `subject` divided by the reference's, for metrics that both have."""
    return {
        metric: by_subject[subject].median / by_subject[REFERENCE].median
        for metric, by_subject in found.items()
        if METRICS[metric].ratio and subject in by_subject and REFERENCE in by_subject
    }


def percentiles(found: Mapping[str, Mapping[str, Summary]], subject: str) -> dict[str, float]:
    """``METRIC_p95_ms`` of the metrics that are judged by it."""
    return {
        f"{metric}_p95_ms": by_subject[subject].p95
        for metric, by_subject in found.items()
        if METRICS[metric].p95 and subject in by_subject
    }


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: (slope, value at 0)."""
    slope, intercept = statistics.linear_regression([x for x, _ in points], [y for _, y in points])
    return slope, intercept
