"""One stretch of the plugin's own code under a deadline, and what ends it: the signal, an exception, a cancellation.

Must not know: envelopes, contexts. A `Run` is an invocation, a hook, or the import of the plugin. While its code runs,
`RUNNING` names it: tasks and timers inherit it from whoever started them, so everything an invocation sets going can
be told from everything else.

The exception comes by SIGINT, which the interpreter looks for every few dozen jumps and calls. It may be raised in the
plugin's code and nowhere else: never in the event loop, never in code of ours that keeps books.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING

from pysandbox.core import cache, channel, envelope, pending
from pysandbox.core.errors import SandboxError

if TYPE_CHECKING:  # the plugin's API imports this module, and nothing heavy with it
    import asyncio
    from types import FrameType

AGAIN_MS = 0.5  # the moment was wrong: the next look
LATER_MS = 5.0  # another's code is running: the next look
_KEEPS_BOOKS = frozenset(str(module.__file__) for module in (cache, channel, envelope, pending))


class DeadlineExceeded(BaseException):
    """Raised in the plugin's code where it runs past its deadline without awaiting. Once: let it through."""


class Run:
    """``deadline_ms`` is on the worker's clock. ``refuse_task()`` says why no further task may be begun."""

    __slots__ = (
        "cancelled", "clocks", "deadline_ms", "interrupt_at_ms", "interrupted", "over", "refuse_task", "stopping",
        "task", "tasks", "timed_out", "timers")

    def __init__(self, deadline_ms: float, refuse_task: Callable[[], SandboxError | None] = lambda: None) -> None:
        self.deadline_ms = self.interrupt_at_ms = deadline_ms
        self.refuse_task = refuse_task
        self.interrupted = False  # its one exception was raised
        self.cancelled = False
        self.timed_out = False  # its deadline's timer has fired
        self.stopping = False
        self.over = False
        self.task: asyncio.Task[None] | None = None
        self.tasks: set[asyncio.Task[object]] = set()  # begun by its code, not ended
        self.timers: list[tuple[float, asyncio.Handle]] = []  # set by its code on the loop itself; when, in loop time
        self.clocks: list[asyncio.TimerHandle] = []  # ours

    @property
    def layer(self) -> str:
        """Which layer enforced the deadline."""
        return "soft" if self.interrupted or self.cancelled else "cooperative"


RUNNING: ContextVar[Run | None] = ContextVar("RUNNING", default=None)


class Interrupts:
    """Decides when a SIGINT comes and what it does. ``interrupt_in(delay_ms)`` replaces the time set before."""

    def __init__(self, now_ms: Callable[[], float], interrupt_in: Callable[[float], None], folder: str) -> None:
        self._now_ms = now_ms
        self._interrupt_in = interrupt_in
        self._folder = folder
        self._runs: set[Run] = set()
        self._armed_ms = inf
        self._tries = 0

    def watch(self, run: Run, at_ms: float) -> None:
        """Raise in the code of ``run`` if it still runs at ``at_ms`` (again, if it was raised before)."""
        run.interrupt_at_ms, run.interrupted = at_ms, False
        self._runs.add(run)
        self._arm(at_ms)

    def delay(self, run: Run, at_ms: float) -> None:
        """Give ``run`` until ``at_ms``, unless it had its exception."""
        run.interrupt_at_ms = at_ms
        if not run.interrupted:
            self._arm(at_ms)

    def forget(self, run: Run) -> None:
        """From here on nothing is raised in the code of ``run``. A signal that is on its way finds nothing to do."""
        self._runs.discard(run)

    def on_signal(self, _number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT. Raises `DeadlineExceeded` where that is due and harmless; else it comes again."""
        now = self._now_ms()
        self._armed_ms = inf
        run = RUNNING.get()
        wait_ms = LATER_MS
        if run is not None and run in self._runs and not run.interrupted and now >= run.interrupt_at_ms:
            if self._in_plugin(frame):
                run.interrupted = True
                self._arm_next(now, LATER_MS)
                raise DeadlineExceeded("the deadline passed while this code ran")
            wait_ms = AGAIN_MS
            self._change_step()
        self._arm_next(now, wait_ms)

    def _in_plugin(self, frame: FrameType | None) -> bool:
        """Whether the plugin's code runs, or something it called that may be left at any point."""
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self._folder):
                return True
            if name in _KEEPS_BOOKS:
                return False
            frame = frame.f_back
        return False

    def _change_step(self) -> None:
        """The interpreter looks at every fiftieth jump; a loop of just as many would be met at one place for ever."""
        self._tries += 1
        for _ in range(self._tries * 7 % 50):
            pass

    def _arm_next(self, now: float, wait_ms: float) -> None:
        due = min((run.interrupt_at_ms for run in self._runs if not run.interrupted), default=inf)
        if due < inf:
            self._arm(max(due, now + wait_ms))

    def _arm(self, at_ms: float) -> None:
        if at_ms < self._armed_ms:
            self._armed_ms = at_ms
            self._interrupt_in(max(0.0, at_ms - self._now_ms()))
