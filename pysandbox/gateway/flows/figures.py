"""Flows in `/metrics`: how they ended, how long they took, why a fallback was taken. No flow or tenant is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pysandbox.core.flow.effects import Ending

_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class FlowFigures:
    """Counts into ``registry``. `running` is the number of runs in this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter("pysandbox_flows", "Flows that ended.", ["ending", "in_sla"], registry=registry)
        self._seconds = Histogram(
            "pysandbox_flow_seconds", "Time of a flow, from its start to its ending.", buckets=_BUCKETS,
            registry=registry)
        self._fallbacks = Counter(
            "pysandbox_flow_fallbacks", "Blocks that failed and went on by another branch.", ["code"],
            registry=registry)
        self.running = Gauge("pysandbox_flows_in_progress", "Flows that run here.", registry=registry)

    def ended(self, ending: Ending) -> None:
        self._ended.labels(ending.type, "yes" if ending.within_sla else "no").inc()
        self._seconds.observe(ending.duration_ms / 1000)
        for failure in cast("Iterable[Mapping[str, Any]]", ending.summary.get("failures", ())):
            self._fallbacks.labels(failure["errorCode"]).inc()

    def broken(self) -> None:
        """A run that could not be gone on with."""
        self._ended.labels("failed", "no").inc()
