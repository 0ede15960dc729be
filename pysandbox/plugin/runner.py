"""Runs the plugin's code under deadlines: starts it, stops it in good time, and ends what it left going.

Must not know: envelopes, what the code is for. The layers below this one: the hard kill is the host's.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from typing import Any, Protocol

from pysandbox.core.abort import AbortError
from pysandbox.core.errors import Code
from pysandbox.core.limits import default
from pysandbox.plugin.runs import RUNNING, Interrupts, Run
from pysandbox.plugin.tasks import watch

# From the signal to the exception or cancellation; what is left of the grace is for the plugin's finally blocks.
SOFT_MS = default("graceMs") / 3
_EAGER: Mapping[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


class Scope(Protocol):
    """What the code of a run holds: a context."""

    def abort(self, error: AbortError) -> None: ...
    def end(self) -> Mapping[str, int]:
        """End what hangs on it; counts of what that was, by kind."""
        ...


class Runner:
    """``on_fault(error)`` hears of an exception of the plugin's that nobody else could get."""

    def __init__(
        self, now_ms: Callable[[], float], interrupts: Interrupts, on_fault: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._now_ms = now_ms
        self._interrupts = interrupts
        self._on_fault = on_fault
        self._runs: set[Run] = set()  # with tasks that have not ended, be the run itself over or not
        self.left: Counter[str] = Counter()  # what runs had left behind when they ended

    @property
    def live_tasks(self) -> int:
        """Tasks begun by the plugin that have not ended."""
        return sum(len(run.tasks) for run in self._runs)

    def start(self, run: Run, scope: Scope, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``, which ends with `close` and then `end`. What never waits is done when this returns."""
        loop = asyncio.get_running_loop()
        watch(loop)
        context = copy_context()
        context.run(RUNNING.set, run)
        self._runs.add(run)
        self._interrupts.watch(run, run.deadline_ms)
        task: asyncio.Task[None] = asyncio.Task(work, loop=loop, context=context, **_EAGER)
        if not task.done():
            run.task = task
            left_s = max(0.0, run.deadline_ms - self._now_ms()) / 1000
            # In a context of its own, because a stack that is switched away may still be inside that one.
            run.clocks.append(loop.call_later(left_s, self._out_of_time, run, scope, context=context.copy()))

    def _out_of_time(self, run: Run, scope: Scope) -> None:
        run.timed_out = True
        self.stop(run, scope, AbortError(code=Code.PLUGIN_TIMEOUT))

    def stop(self, run: Run, scope: Scope, reason: AbortError) -> None:
        """Tell the signal; code that goes on regardless is interrupted and cancelled a little later."""
        if run.stopping or run.over:
            return
        run.stopping = True
        self._interrupts.delay(run, self._now_ms() + SOFT_MS)
        loop = asyncio.get_running_loop()
        context = copy_context()
        context.run(RUNNING.set, None)
        run.clocks.append(loop.call_later(SOFT_MS / 1000, self._cancel, run, context=context))
        try:
            scope.abort(reason)
        except BaseException as error:  # noqa: BLE001 - a listener of the plugin's: it may not reach the loop
            self._on_fault(error)

    @staticmethod
    def _cancel(run: Run) -> None:
        if not run.over and run.task is not None:
            run.cancelled = True
            run.task.cancel()

    def close(self, run: Run) -> None:
        """Its own code is done: nothing may be raised in what we do about its end."""
        self._interrupts.forget(run)

    def is_late(self, run: Run) -> bool:
        return run.timed_out or self._now_ms() >= run.deadline_ms

    def end(self, run: Run, scope: Scope) -> None:
        """Nothing that the run started goes on. A task that refuses is interrupted where it is busy."""
        run.over = True
        for clock in run.clocks:
            clock.cancel()
        for kind, count in scope.end().items():
            if count:
                self.left[kind] += count
        for _, handle in run.timers:
            handle.cancel()
        run.timers.clear()
        if not run.tasks:
            self._runs.discard(run)
            return
        self.left["tasks"] += len(run.tasks)
        for task in run.tasks:
            task.cancel()
            task.add_done_callback(lambda _task: self._task_ended(run))
        self._interrupts.watch(run, self._now_ms() + SOFT_MS)

    def _task_ended(self, run: Run) -> None:
        if not run.tasks:
            self._interrupts.forget(run)
            self._runs.discard(run)

    def end_all(self, but: Run) -> None:
        """The worker ends: what still runs is cancelled, and what is left of ended runs is so once more."""
        for run in self._runs:
            for task in (run.task, *run.tasks):
                if task is not None and run is not but:
                    task.cancel()
