"""Plugins that do what they like, one row each: the outcome's status, code and layer, the time it came at, and the
good invocation after it. Chromium runs them all, the others those that an engine could make a difference to.

e2e/output/misbehaving-ENGINE.json keeps what was measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from e2e.conftest import OUTPUT
from e2e.kit.lab import Lab, LabPlugin
from e2e.limits.rows import DEADLINE_MS, GRACE_MS, LATE_MS, ROWS, Row
from e2e.limits.runs import QUIET_MS, Attempt, run
from pysandbox.testing.browsers import Browser

pytestmark = pytest.mark.alone

LONGER_MS = DEADLINE_MS + GRACE_MS + LATE_MS + 100
SPIN_IN_PAGE = """(ms) => lab.watched(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const end = performance.now() + ms;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 20));
})"""


def named(rows: tuple[Row, ...]) -> list[object]:
    return [pytest.param(row, id=row.handler) for row in rows]


@pytest.fixture(scope="module")
def measured(browser: Browser) -> Iterator[dict[str, Attempt]]:
    found: dict[str, Attempt] = {}
    yield found
    OUTPUT.mkdir(exist_ok=True)
    told = {
        name: {"end": seen.end, "atMs": seen.outcome["pageMs"], "nextAtMs": seen.next["pageMs"], "gapMs": seen.gap_ms}
        for name, seen in found.items()
    }
    (OUTPUT / f"misbehaving-{browser.engine}.json").write_text(json.dumps(told, indent=1) + "\n")


@pytest.fixture(scope="module")
def shared_plugin(shared_lab: Lab) -> list[LabPlugin]:
    return [shared_lab.load("test.wicked@1.0.0")]


@pytest.fixture
def wicked(shared_lab: Lab, shared_plugin: list[LabPlugin]) -> LabPlugin:
    """One for all rows, as long as each leaves it in order."""
    if shared_plugin[0].invoke("good", 7)["status"] != "ok":
        shared_plugin[0].unload()
        shared_plugin[0] = shared_lab.load("test.wicked@1.0.0")
    return shared_plugin[0]


def test_the_table_is_as_long_as_promised() -> None:
    assert len({row.handler for row in ROWS}) == len(ROWS) >= 30


@pytest.mark.chromium_only  # all of them; below, in every engine, those that differ by engine
@pytest.mark.parametrize("row", named(ROWS))
def test_it_ends_in_time_and_the_next_call_is_fine(
    shared_lab: Lab, wicked: LabPlugin, measured: dict[str, Attempt], row: Row
) -> None:
    measured[row.handler] = run(shared_lab, wicked, row, quiet=True)


@pytest.mark.engines("firefox", "webkit")
@pytest.mark.parametrize("row", named(tuple(row for row in ROWS if row.everywhere)))
def test_it_ends_in_time_in_other_engines_too(
    shared_lab: Lab, wicked: LabPlugin, measured: dict[str, Attempt], row: Row
) -> None:
    measured[row.handler] = run(shared_lab, wicked, row, quiet=False)


@pytest.mark.chromium_only  # it is the interpreter's C that is long, the same everywhere
@pytest.mark.parametrize("row", named(tuple(row for row in ROWS if row.native)))
def test_control_it_would_have_taken_longer(wicked: LabPlugin, row: Row) -> None:
    assert row.latest_ms < LONGER_MS
    outcome = wicked.invoke(row.handler, timeoutMs=LONGER_MS)
    assert outcome["status"] == "timeout", outcome
    assert outcome["pageMs"] >= LONGER_MS - 1
    assert wicked.next_outcome("good", 7)["status"] == "ok"


@pytest.mark.chromium_only  # long tasks are Chromium's word
def test_control_a_loop_on_the_page_shows_as_a_long_task(shared_lab: Lab) -> None:
    seen = shared_lab.ask(SPIN_IN_PAGE, DEADLINE_MS)
    assert seen["gapMs"] >= DEADLINE_MS - 1 > QUIET_MS
    assert max(seen["longTasksMs"]) >= DEADLINE_MS - 1
