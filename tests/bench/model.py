"""The benchmark's words: metrics, their units, and the samples taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Metric:
    """One thing measured. `ratio` says whether results.json carries its ratio to the reference.

    `aim` is for that ratio; `aim_ms` for our median, or for our 95th percentile where `p95` is set: there a round has
    many samples, and the worst of them are what counts.
    """

    name: str
    meaning: str
    unit: str
    ratio: bool = True
    aim: float | None = None
    aim_ms: float | None = None
    p95: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("start_warm", "navigation → first result, warm HTTP cache", "ms", aim=0.5),
        Metric("start_empty", "navigation → first result, empty HTTP cache", "ms"),
        Metric("add_plugin", "one more plugin in an open page → its first result", "ms", aim=0.2),
        Metric("round_trip_1k", "round trip of an invoke with 1 KB", "ms", aim=4),
        Metric("round_trip_100k", "round trip of an invoke with 100 KB", "ms"),
        Metric("kill_to_next", "busy loop's deadline → next result, grace included", "ms", aim=0.3),
        Metric("kill_to_next_from_kill", "busy loop known to be dead → next result", "ms", ratio=False),
        Metric("kill_to_next_spare", "the same, a spare waiting if there are any", "ms", aim=0.03, aim_ms=60),
        Metric("overrun_soft", "deadline → outcome, Python that computes", "ms", ratio=False, aim_ms=15, p95=True),
        Metric("overrun_hard", "hard limit → outcome, a plugin that refuses", "ms", ratio=False, aim_ms=50, p95=True),
        Metric("wire_bytes", "received on the wire until the first result, headers included", "bytes", aim=1.8),
        Metric("idle_memory", "one more idle plugin (slope of PSS, 1 to 5 plugins)", "bytes", aim=1.2),
        Metric("idle_memory_all_pss", "the same, file-backed pages included", "bytes", ratio=False),
        Metric("fixed_memory", "the page without plugins: that line at 0, less an empty tab", "bytes", ratio=False),
    )
}

SESSION_METRICS = frozenset(
    {
        "start_warm",
        "start_empty",
        "add_plugin",
        "round_trip_1k",
        "round_trip_100k",
        "kill_to_next",
        "kill_to_next_from_kill",
        "kill_to_next_spare",
        "overrun_soft",
        "overrun_hard",
    }
)
OURS_ALONE = frozenset({"overrun_soft", "overrun_hard"})
"""The others have no deadlines to overrun."""

MEMORY_METRICS = frozenset({"idle_memory", "fixed_memory", "idle_memory_all_pss"})

REFERENCE = "plain"
"""The subject that ratios are taken to."""


@dataclass
class Samples:
    """Every sample taken, by metric and subject, in the order of the rounds."""

    raw: dict[str, dict[str, list[float]]] = field(default_factory=dict[str, dict[str, list[float]]])

    def add(self, metric: str, subject: str, value: float) -> None:
        """Keep a sample."""
        if metric not in METRICS:
            raise KeyError(metric)
        self.raw.setdefault(metric, {}).setdefault(subject, []).append(value)

    def ordered(self) -> Iterator[tuple[str, dict[str, list[float]]]]:
        """What there is, in the order of `METRICS`."""
        return ((metric, self.raw[metric]) for metric in METRICS if metric in self.raw)
