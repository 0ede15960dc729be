"""37, 39, 41, 45-47, 102: a plugin that takes as much as it can of each thing gets what its budget says.

The control is a build without the budgets, in the worker and behind it, or without the memory's maximum: there the same
plugin gets all that it asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import NO_BUDGETS, NO_END_OF_TASKS, NO_MEMORY_CAP
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer
from pysandbox.core.limits import default

pytestmark = pytest.mark.one_engine

GREEDY = "test.greedy@1.0.0"
# What is taken, how much of it is asked for, and how much of it there is.
TAKES = [
    ("timers", 400, default("timers")),
    ("tasks", 600, default("tasks")),
    ("events", 600, default("eventsPerInvocation")),
    ("file_mib", 12, default("fileBytes") >> 20),
    ("heap_mib", 200, default("memoryLimitMB")),
    ("calls", 300, default("callsPerInvocation")),
]
LINES = 600


@pytest.fixture(scope="module")
def greedy(shared_lab: Lab) -> LabPlugin:
    return shared_lab.load(GREEDY)


@pytest.fixture(scope="module")
def unbounded(serve: Serve, open_lab: Callable[[LabServer], Lab]) -> Iterator[LabPlugin]:
    plugin = open_lab(serve((*NO_BUDGETS, *NO_MEMORY_CAP, *NO_END_OF_TASKS))).load(GREEDY)
    yield plugin
    plugin.unload()


def lines_heard(plugin: LabPlugin) -> int:
    before = sum(one["kind"] == "log" for one in plugin.heard())
    plugin.value("lines", LINES)
    return sum(one["kind"] == "log" for one in plugin.heard()) - before


@pytest.mark.parametrize(("what", "asked", "most"), TAKES)
def test_it_gets_no_more_than_its_budget(greedy: LabPlugin, what: str, asked: int, most: int) -> None:
    outcome = greedy.next_outcome(what, asked)
    assert (outcome["status"], 0 < outcome["value"] <= most) == ("ok", True), outcome
    assert greedy.lab.alerts() == []


@pytest.mark.parametrize(("what", "asked", "_most"), TAKES)
def test_control_without_the_budgets_it_gets_all(unbounded: LabPlugin, what: str, asked: int, _most: int) -> None:
    assert unbounded.value(what, asked) == asked


def test_a_flood_of_log_lines_is_cut(greedy: LabPlugin) -> None:
    assert 0 < lines_heard(greedy) <= default("logLinesPerInvocation") + 1  # a line says that there were more


def test_control_without_the_budgets_every_line_is_told(unbounded: LabPlugin) -> None:
    assert lines_heard(unbounded) == LINES


def test_a_task_that_is_left_behind_ends(greedy: LabPlugin) -> None:
    greedy.value("leaves_a_task")
    assert greedy.value("ticks") == 0


def test_control_without_that_end_it_goes_on(unbounded: LabPlugin) -> None:
    unbounded.value("leaves_a_task")
    assert unbounded.value("ticks") > 0


@pytest.mark.parametrize("timeout_ms", [300, 1200])
def test_calls_outside_stretch_no_deadline_and_last_as_long_as_they_are_given(
    greedy: LabPlugin, timeout_ms: int
) -> None:
    """The longer one is the control: nothing but the deadline ends the shorter one."""
    outcome = greedy.next_outcome("asks_for_ever", timeoutMs=timeout_ms)
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT"), outcome
    assert timeout_ms - 1 <= outcome["pageMs"] <= timeout_ms + 1500
