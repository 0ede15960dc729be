"""Keeps tasks and timers that the plugin's code starts on the event loop with the run that started them.

Must not know: what a run is about. A task made without the loop (``asyncio.Task(...)``) is not seen: the deadline and
the kill are what stands behind this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any
from weakref import WeakSet

from pysandbox.plugin.runs import RUNNING, Run

PRUNE_AT = 64  # timers that are kept before those that have fired are looked for

_watched: WeakSet[asyncio.AbstractEventLoop] = WeakSet()


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """From here on ``loop`` notes who starts what. Not by a task factory: Pyodide's loop hands it no context."""
    if loop in _watched:
        return
    _watched.add(loop)
    plain_task, plain_later = loop.create_task, loop.call_later

    def create_task(coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **options: Any) -> asyncio.Task[Any]:
        run = RUNNING.get()
        refusal = None if run is None else run.refuse_task()
        if refusal is not None:
            coro.close()
            raise refusal
        task = plain_task(coro, **options)
        if run is not None:
            run.tasks.add(task)
            task.add_done_callback(run.tasks.discard)
        return task

    def call_later(
        delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = plain_later(delay, callback, *args, context=context)
        run = RUNNING.get()
        if run is not None and delay > 0:
            _keep(run, loop.time() + delay, handle)
        return handle

    loop.create_task = create_task
    loop.call_later = call_later


def _keep(run: Run, when: float, handle: asyncio.TimerHandle) -> None:
    timers = run.timers
    timers.append((when, handle))
    if len(timers) >= PRUNE_AT and len(timers) & (len(timers) - 1) == 0:  # each time their number doubles
        now = asyncio.get_running_loop().time()
        timers[:] = [entry for entry in timers if entry[0] > now and not entry[1].cancelled()]
