"""When an interrupt comes, where it may be raised, and that it is raised once. Time and signal are the test's."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from types import FrameType
from typing import Any, cast

import pytest

from pysandbox.core import cache
from pysandbox.plugin.runs import AGAIN_MS, LATER_MS, RUNNING, DeadlineExceeded, Interrupts, Run

FOLDER = "/plugin/"


class Code:
    def __init__(self, name: str) -> None:
        self.co_filename = name


class Frame:
    """A stack of file names, the innermost first."""

    def __init__(self, name: str, *outer: str) -> None:
        self.f_code = Code(name)
        self.f_back = Frame(*outer) if outer else None


class Lab:
    def __init__(self) -> None:
        self.now_ms = 0.0
        self.due_ms = inf
        self.armed = 0
        self.interrupts = Interrupts(lambda: self.now_ms, self.arm, FOLDER)

    def arm(self, delay_ms: float) -> None:
        self.armed += 1
        self.due_ms = self.now_ms + delay_ms

    def start(self, deadline_ms: float) -> Run:
        run = Run(deadline_ms)
        self.interrupts.watch(run, deadline_ms)
        return run

    def signal(self, *stack: str) -> None:
        self.interrupts.on_signal(2, cast(FrameType, Frame(*(stack or ("/plugin/a.py",)))))

    def interrupted(self, *stack: str) -> bool:
        try:
            self.signal(*stack)
        except DeadlineExceeded:
            return True
        return False


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def inside() -> Any:
    """Names the run whose code runs, and takes the name back."""
    tokens: list[Any] = []

    def enter(run: Run) -> None:
        tokens.append(RUNNING.set(run))

    yield enter
    for token in reversed(tokens):
        RUNNING.reset(token)


Enter = Callable[[Run], None]


def test_past_its_deadline_a_run_gets_one_exception(lab: Lab, inside: Enter) -> None:
    run = lab.start(100)
    inside(run)
    assert lab.due_ms == 100
    lab.now_ms = 100
    assert lab.interrupted()
    assert run.interrupted
    assert run.layer == "soft"
    assert not lab.interrupted()
    assert lab.armed == 1, "nothing more is due"


def test_before_its_deadline_it_gets_none_and_the_signal_comes_again(lab: Lab, inside: Enter) -> None:
    inside(lab.start(100))
    lab.now_ms = 40
    assert not lab.interrupted()
    assert lab.due_ms == 100


def test_another_run_that_is_overdue_harms_nobody(lab: Lab, inside: Enter) -> None:
    lab.start(100)
    inside(lab.start(900))
    lab.now_ms = 150
    assert not lab.interrupted()
    assert lab.due_ms == 150 + LATER_MS


def test_a_late_signal_finds_nothing_to_do(lab: Lab, inside: Enter) -> None:
    run = lab.start(100)
    inside(run)
    lab.interrupts.forget(run)
    lab.now_ms = 200
    before = lab.armed
    assert not lab.interrupted()
    assert lab.armed == before


@pytest.mark.parametrize("stack", [
    ("/lib/asyncio/events.py", "/ours/runtime.py"),
    (str(cache.__file__), "/ours/cache.py", "/plugin/a.py"),
    ("/lib/collections.py", str(cache.__file__), "/plugin/a.py"),
])
def test_it_is_not_raised_in_the_loop_nor_where_books_are_kept(lab: Lab, inside: Enter, stack: tuple[str, ...]) -> None:
    run = lab.start(100)
    inside(run)
    lab.now_ms = 100
    assert not lab.interrupted(*stack)
    assert lab.due_ms == 100 + AGAIN_MS
    lab.now_ms = lab.due_ms
    assert lab.interrupted("/lib/json/encoder.py", "/plugin/a.py", "/ours/runtime.py")


def test_outside_of_any_run_nothing_is_raised(lab: Lab) -> None:
    lab.start(100)
    lab.now_ms = 100
    assert not lab.interrupted()
    lab.interrupts.on_signal(2, None)


def test_the_earliest_deadline_is_armed_and_then_the_next(lab: Lab, inside: Enter) -> None:
    first, _second = lab.start(300), lab.start(200)
    assert lab.due_ms == 200
    lab.start(400)
    assert lab.armed == 2, "a later one waits its turn"
    inside(first)
    lab.now_ms = 200
    assert not lab.interrupted()
    lab.now_ms = 300
    assert lab.interrupted()


def test_a_run_that_hears_its_signal_gets_more_time(lab: Lab, inside: Enter) -> None:
    run = lab.start(100)
    inside(run)
    lab.interrupts.delay(run, 130)
    lab.now_ms = 110
    assert not lab.interrupted()
    lab.now_ms = 130
    assert lab.interrupted()
    lab.interrupts.delay(run, 140)
    lab.now_ms = 150
    assert not lab.interrupted(), "it had its exception"


def test_an_ended_run_whose_tasks_refuse_to_end_gets_another(lab: Lab, inside: Enter) -> None:
    run = lab.start(100)
    inside(run)
    lab.now_ms = 100
    assert lab.interrupted()
    lab.interrupts.watch(run, 150)
    lab.now_ms = 150
    assert lab.interrupted()
