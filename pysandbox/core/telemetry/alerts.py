"""Alert rules as data, and the machine that decides when one fires and when it is over.

A rule looks at a window of figures of one group (a plugin, a queue…). It must be broken for a while before it fires,
and be well below its threshold for a while before it ends, so that it neither pages for a blip nor flaps.
Must not know: clocks, where figures come from, who is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Metric = Literal["errorRate", "averageMs"]
By = Literal["plugin", "vendor", "queue", "environment"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened to one group within a window."""

    count: int = 0
    failed: int = 0
    total_ms: float = 0.0

    def value(self, metric: Metric) -> float:
        if not self.count:
            return 0.0
        return self.failed / self.count if metric == "errorRate" else self.total_ms / self.count


@dataclass(frozen=True, slots=True)
class Rule:
    """``above`` is broken by more than that; ``clear`` ends it at that or less. ``least``: with fewer invocations in
    the window nothing is decided."""

    name: str
    metric: Metric
    above: float
    clear: float
    by: By = "plugin"
    window_s: int = 300
    least: int = 20
    for_s: int = 60
    clear_for_s: int = 300
    severity: str = "warning"


BUILT_IN: Final = (
    Rule("error-rate", "errorRate", above=0.05, clear=0.03, severity="critical"),
    Rule("latency", "averageMs", above=2000, clear=1500),
)
"""The guide's two: more than 5 percent errors, an average above 2000 ms."""


@dataclass(frozen=True, slots=True)
class Change:
    """A rule began to fire for a group, or ceased to. ``since_s``: when the group first broke it."""

    rule: Rule
    group: str
    firing: bool
    value: float
    count: int
    since_s: float
    at_s: float


@dataclass(slots=True)
class _State:
    firing: bool = False
    since_s: float | None = None  # of the condition that would change `firing`
    broke_s: float = 0.0


class Alerts:
    """The rules' state by group. ``silenced(rule, group, at_s)``: nobody is told meanwhile; the state goes on."""

    def __init__(
        self, rules: tuple[Rule, ...] = BUILT_IN, *, silenced: Callable[[str, str, float], bool] | None = None,
    ) -> None:  # fmt: skip
        self.rules = rules
        self._silenced = silenced
        self._states: dict[tuple[str, str], _State] = {}

    def resume(self, rule: str, group: str, since_s: float) -> None:
        """It fires since then, as an earlier process wrote down."""
        self._states[rule, group] = _State(firing=True, broke_s=since_s)

    def look(self, rule: Rule, groups: Mapping[str, Figures], at_s: float) -> list[Change]:
        """What changes now that ``groups`` had these figures in the window that ends at ``at_s``."""
        seen = {**{group: Figures() for name, group in self._states if name == rule.name}, **groups}
        changes: list[Change] = []
        for group, figures in seen.items():
            change = self._step(rule, group, figures, at_s)
            if change is not None and not (self._silenced and self._silenced(rule.name, group, at_s)):
                changes.append(change)
        return changes

    def firing(self) -> list[tuple[str, str, float]]:
        """``(rule, group, since_s)`` of what fires now."""
        return [(rule, group, state.broke_s) for (rule, group), state in self._states.items() if state.firing]

    def _step(self, rule: Rule, group: str, figures: Figures, at_s: float) -> Change | None:
        key = rule.name, group
        state = self._states.setdefault(key, _State())
        value = figures.value(rule.metric)
        if figures.count < rule.least and not state.firing:
            del self._states[key]
            return None
        turned = value <= rule.clear or figures.count < rule.least if state.firing else value > rule.above
        if not turned:
            state.since_s = None
            if not state.firing:
                del self._states[key]
            return None
        state.since_s = at_s if state.since_s is None else state.since_s
        if at_s - state.since_s < (rule.clear_for_s if state.firing else rule.for_s):
            return None
        if not state.firing:
            state.broke_s = state.since_s
        change = Change(rule, group, not state.firing, value, figures.count, state.since_s, at_s)
        if state.firing:
            del self._states[key]
        else:
            state.firing, state.since_s = True, None
        return change
