"""Runs a row of the table in a page and reads what came of it.

On a busy machine a layer may be late, so that the next one ends the call, and the page itself is late now and then.
Each attempt has to end with the right status and code in time; one attempt out of a few has to end as the row says,
its worker alive where the layer leaves it so, on a page that was free all the while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from e2e.kit.lab import Lab, LabPlugin, Outcome
from e2e.limits.rows import NEXT_MS, Row

ATTEMPTS = 6
QUIET_MS = 50  # the Long Tasks specification's own threshold

RUN = """async ([number, handler, options, nextMs, waitForQuiet]) => {
  for (let n = 0; waitForQuiet && n < 15; n++) {
    const idle = await lab.watched(() => new Promise((resolve) => setTimeout(resolve, 700)));
    if (idle.gapMs < 50) break;
  }
  const watched = await lab.watched(() => lab.finish(lab.start([number, handler, null, options])));
  const next = await lab.finish(lab.start([number, "good", 7, { timeoutMs: nextMs }]));
  return { outcome: watched.result, gapMs: watched.gapMs, longTasksMs: watched.longTasksMs, next };
}"""


@dataclass(frozen=True)
class Attempt:
    """One run of a row and the good invocation right after it."""

    outcome: Outcome
    next: Outcome
    gap_ms: float
    long_tasks_ms: list[float] | None

    @property
    def end(self) -> tuple[str, str, str]:
        error = self.outcome.get("error") or {"code": ""}
        return self.outcome["status"], error["code"], self.outcome.get("layer", "")

    def spared(self, row: Row) -> bool:
        """Its worker lived on, if it was stopped by a layer that leaves it alive."""
        stopped_alive = self.end[2] in ("soft", "cooperative") and not row.keeps_memory
        return not stopped_alive or self.next["generation"] == self.outcome["generation"]

    @property
    def quiet(self) -> bool:
        """No long task, where the browser tells; a machine that is busy elsewhere makes gaps without one."""
        return self.gap_ms < QUIET_MS if self.long_tasks_ms is None else not self.long_tasks_ms


def attempt(lab: Lab, plugin: LabPlugin, row: Row, *, wait_for_quiet: bool) -> Attempt:
    """Run it once; what must hold every time is asserted here."""
    if row.first:
        plugin.value(row.first)
    options = {"timeoutMs": row.deadline_ms}
    told: dict[str, Any] = lab.ask(RUN, [plugin.number, row.handler, options, NEXT_MS, wait_for_quiet])
    seen = Attempt(told["outcome"], told["next"], told["gapMs"], told["longTasksMs"])
    assert seen.outcome["pageMs"] <= row.latest_ms < row.lasts_s * 1000, seen
    status, code, layer = seen.end
    assert (status, code) in {(end[0], end[1]) for end in row.ends}, seen
    if status == "timeout":
        assert seen.outcome["pageMs"] >= row.deadline_ms - 1, seen
    # The page's own timer leaves the kill to come; and a watchdog that gets no processor hears too late that a call has
    # ended. The worker dies under the next call then, which is told so.
    overtaken = layer in ("soft", "cooperative") and seen.next["status"] == "killed" and seen.next["error"]["retryable"]
    if layer != "page" and not overtaken:
        assert (seen.next["status"], seen.next.get("value")) == ("ok", 7), seen
        if status == "killed" or layer == "hard":
            assert seen.next["generation"] > seen.outcome["generation"], seen
    elif seen.next["status"] != "ok":
        assert plugin.next_outcome("good", 7)["status"] == "ok", seen
    return seen


def run(lab: Lab, plugin: LabPlugin, row: Row, *, quiet: bool) -> Attempt:
    """Run it until it ends as the row says; ``quiet``: and the page had no long task meanwhile."""
    seen: list[Attempt] = []
    for number in range(ATTEMPTS):
        seen.append(attempt(lab, plugin, row, wait_for_quiet=quiet and number > 0))
        went_on = seen[-1].spared(row) and (seen[-1].next["status"] == "ok" or seen[-1].end[2] == "page")
        if seen[-1].end in row.ends and went_on and (seen[-1].quiet or not quiet):
            return seen[-1]
    raise AssertionError(f"in {ATTEMPTS} attempts never {row.ends}, its worker spared, the page free: {seen}")
