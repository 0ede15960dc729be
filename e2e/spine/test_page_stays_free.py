"""The page's main thread comes round while a plugin spins.

The control is the same loop on the main thread, measured the same way. Chromium tells long tasks itself; everywhere
the longest time between two turns of the event loop is measured. A busy machine makes a turn late now and then, and
so does the next spare cell, which starts a moment after a kill (where page and host frame share a process); so each
attempt begins when the page has been quiet for longer than that, and one quiet attempt out of a few is the proof.
"""

from __future__ import annotations

import pytest

from e2e.kit.lab import Lab, LabPlugin
from pysandbox.testing.browsers import Browser

pytestmark = pytest.mark.alone

SPIN_MS = 600
QUIET_MS = 50  # the Long Tasks specification's own threshold
ATTEMPTS = 6

SPIN_IN_PLUGIN = """async ([number, ms, quiet]) => {
  for (let n = 0; n < 20; n++) {
    const idle = await lab.watched(() => new Promise((resolve) => setTimeout(resolve, 700)));
    if (idle.gapMs < quiet) break;
  }
  const spin = () => lab.finish(lab.start([number, "spin", null, { timeoutMs: ms }]));
  const { result, gapMs, longTasksMs } = await lab.watched(spin);
  return { status: result.status, gapMs, longTasksMs };
}"""
SPIN_IN_PAGE = """([, ms]) => lab.watched(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const end = performance.now() + ms;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 20));
})"""


def test_no_long_task_while_a_plugin_spins(browser: Browser, shared_lab: Lab, spine: LabPlugin) -> None:
    seen = []
    for _ in range(ATTEMPTS):
        measured = shared_lab.ask(SPIN_IN_PLUGIN, [spine.number, SPIN_MS, QUIET_MS])
        assert measured["status"] == "timeout"
        assert measured["gapMs"] < SPIN_MS / 2, "the page stood still for much of the plugin's loop"
        assert (measured["longTasksMs"] is not None) == (browser.engine == "chromium")
        assert spine.next_outcome("echo", 1)["status"] == "ok"
        seen.append(measured)
        if measured["gapMs"] < QUIET_MS and not measured["longTasksMs"]:
            return
    pytest.fail(f"no attempt without a long task: {seen}")


def test_control_the_same_loop_on_the_main_thread_shows(browser: Browser, shared_lab: Lab) -> None:
    measured = shared_lab.ask(SPIN_IN_PAGE, [0, SPIN_MS])
    assert measured["gapMs"] >= SPIN_MS - 1
    if browser.engine == "chromium":
        assert max(measured["longTasksMs"]) >= SPIN_MS - 1
