"""Performs a flow's effects through ports, on asyncio: the loop that the browser's host and the gateway both run.

Every wait ends at the time that the effect names, whether a port answers, hangs, raises or will not be cancelled.
Must not know: what is behind the ports, what an effect means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.flow import joining
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.breakers import Breakers
from pysandbox.core.flow.effects import (
    Effect,
    End,
    Ending,
    Event,
    FindQueue,
    Invocation,
    Invoke,
    Pause,
    Result,
    Send,
    Start,
)
from pysandbox.core.flow.engine import Steps, execute
from pysandbox.core.flow.journal import resume
from pysandbox.core.flow.ports import LostExecution, Ports
from pysandbox.core.outcome import Outcome, failure

T = TypeVar("T")
LAST_STORE_MS: Final = 1000
"""For the last events, of what is left of the SLA."""
LATE_STORE_MS: Final = 100
"""For the last events when nothing is left: a store that hangs must not keep the ending from its caller."""
_OK: Final = Outcome(Status.OK)
_NONE: Final[Mapping[str, str]] = {}
_NO_FLOWS: Final[Mapping[str, Flow]] = {}
_abandoned: Final[set[asyncio.Future[object]]] = set()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended. ``unstored``: events that `Ports.append` would not take, the last ones of the journal."""

    ending: Ending
    unstored: tuple[Event, ...] = ()


async def run_flow(
    flow: Flow, data: Mapping[str, object], ports: Ports, *, correlation_id: str, pins: Mapping[str, str] = _NONE,
    flows: Mapping[str, Flow] = _NO_FLOWS, breakers: Breakers | None = None,
) -> Ran:  # fmt: skip
    """Run ``flow`` from its entry. ``data``, ``pins``: see `Start`; ``flows``: those that ``callFlow`` can name.

    Raises `SandboxError` ``INPUT_INVALID`` for data that is no flow's, before anything has happened, and
    `LostExecution`; nothing else.
    """
    began_ms = ports.clock_ms()
    steps = execute(flow, Start(correlation_id, began_ms, data, pins), flows)
    return await _Driver(ports, began_ms, breakers).drive(steps, next(steps))


async def resume_flow(
    flow: Flow, journal: Sequence[Event], ports: Ports, *, flows: Mapping[str, Flow] = _NO_FLOWS,
    breakers: Breakers | None = None,
) -> Ran:  # fmt: skip
    """Go on with a run whose server died. Raises `SandboxError` ``JOURNAL_INVALID`` for a journal of another flow."""
    resumed = resume(flow, journal, now_ms=ports.clock_ms(), flows=flows)
    return await _Driver(ports, resumed.started_ms, breakers).drive(resumed.steps, resumed.effect)


class _Driver:
    """``began_ms`` is the ports' time at which the flow's own began."""

    def __init__(self, ports: Ports, began_ms: float, breakers: Breakers | None) -> None:
        self._ports = ports
        self._began_ms = began_ms
        self._breakers = breakers
        self._backlog: list[Event] = []

    def _now_ms(self) -> float:
        return round(self._ports.clock_ms() - self._began_ms, 3)

    async def drive(self, steps: Steps, effect: Effect) -> Ran:
        try:
            while not isinstance(effect, End):
                effect = steps.send(await self._perform(effect))
            left_ms = effect.ending.sla_ms - self._now_ms()
            await self._store(effect.events, min(LAST_STORE_MS, max(LATE_STORE_MS, left_ms)))
            return Ran(effect.ending, tuple(self._backlog))
        finally:
            steps.close()

    async def _perform(self, effect: Invoke | Pause | Send | FindQueue) -> Result:
        if isinstance(effect, FindQueue):
            self._backlog += effect.events  # nothing happens, so nothing needs to be stored before it
            return Result(self._now_ms(), (self._find_queue(effect),))
        refused = await self._store(effect.events, effect.until_ms - self._now_ms())
        match effect:
            case Invoke():
                outcomes = await self._invoke(effect) if refused is None else (refused,) * len(effect.calls)
            case Send():
                outcomes = (await self._send(effect) if refused is None else refused,)
            case Pause():
                await asyncio.sleep(max(0.0, effect.until_ms - self._now_ms()) / 1000)
                outcomes = ()
        return Result(self._now_ms(), outcomes)

    async def _store(self, events: Sequence[Event], left_ms: float) -> Outcome | None:
        """Why nothing may be done: what was meant to be done is not stored. It is tried again with the next events."""
        self._backlog += events
        if not self._backlog:
            return None
        try:
            waiting = self._ports.append(tuple(self._backlog))
            stored = None if waiting is None else await _within(waiting, left_ms)
            if waiting is not None and stored is None:
                return failure(SandboxError(Code.STATE_UNAVAILABLE, "the journal's store did not answer in time"))
            if stored is not None:
                stored.result()
        except LostExecution:
            raise
        except Exception as error:  # noqa: BLE001  # becomes the block's outcome
            return _refused(error)
        self._backlog.clear()
        return None

    # --- plugins ---
    async def _invoke(self, effect: Invoke) -> tuple[Outcome, ...]:
        if len(effect.calls) == 1:
            return (await self._one(effect.calls[0], effect.until_ms),)
        running = [asyncio.ensure_future(self._one(call, effect.until_ms)) for call in effect.calls]
        try:
            while True:
                done = [task.result() if task.done() else None for task in running]
                if joining.is_decided(effect.join, done):
                    break
                await asyncio.wait(
                    [task for task in running if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in running:
                if not task.done():
                    _give_up(task)
        given_up = failure(SandboxError(Code.PLUGIN_ABORTED, "given up: the block was decided without it"))
        return tuple(outcome or given_up for outcome in done)

    async def _one(self, call: Invocation, until_ms: float) -> Outcome:
        """One call's outcome, at ``until_ms`` at the latest."""
        began_ms = self._now_ms()
        refusal = None if self._breakers is None else self._breakers.refusal(call.plugin, self._ports.clock_ms())
        if refusal is not None:
            return failure(refusal)
        outcome = await self._answer(call, until_ms - began_ms)
        if self._breakers is not None:
            self._breakers.ended(call.plugin, outcome, self._ports.clock_ms())
        return outcome

    async def _answer(self, call: Invocation, left_ms: float) -> Outcome:
        if left_ms <= 0:
            return failure(SandboxError(Code.PLUGIN_TIMEOUT, "no time was left to call the plugin"))
        try:
            answered = await _within(self._ports.invoke(call, left_ms), left_ms)
        except Exception as error:  # noqa: BLE001  # whatever a port does, the block has an outcome
            return _refused(error)
        if answered is None:
            return failure(SandboxError(Code.PLUGIN_TIMEOUT))
        return _outcome_of(answered)

    # --- the rest ---
    async def _send(self, effect: Send) -> Outcome:
        try:
            sent = await _within(
                self._ports.send_message(effect.to, effect.text), effect.until_ms - self._now_ms())
            if sent is not None:
                sent.result()
        except Exception as error:  # noqa: BLE001  # a message that cannot be sent has its branch
            return failure(SandboxError(Code.MESSAGE_NOT_SENT, _said(error)))
        return _OK if sent is not None else failure(SandboxError(Code.MESSAGE_NOT_SENT, "it was not taken in time"))

    def _find_queue(self, effect: FindQueue) -> Outcome:
        try:
            known = self._ports.has_queue(effect.queue_id)
        except Exception as error:  # noqa: BLE001  # as above
            return failure(SandboxError(Code.QUEUE_NOT_FOUND, _said(error)))
        return _OK if known else failure(
            SandboxError(Code.QUEUE_NOT_FOUND, f"no queue {effect.queue_id[:100]!r} is known"))


async def _within(waiting: Awaitable[T], left_ms: float) -> asyncio.Future[T] | None:
    """What ended, well or not; None after ``left_ms``, when it is cancelled and waited for no longer."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(waiting)
    over: asyncio.Future[None] = loop.create_future()  # asyncio.wait does the same at twice the price

    def stop(_ended: object = None) -> None:
        if not over.done():
            over.set_result(None)

    timer = loop.call_later(max(0.0, left_ms) / 1000, stop)
    running.add_done_callback(stop)
    try:
        await over
    finally:
        timer.cancel()
        if not running.done():
            running.remove_done_callback(stop)
            _give_up(running)
    if running.done() and running.cancelled():
        raise SandboxError(Code.PLUGIN_ABORTED, "it was cancelled where it ran")
    return running if running.done() else None


def _give_up(running: asyncio.Future[T]) -> None:
    """Cancel it, and let it end when it will: nobody waits, and what it still raises interests nobody."""
    kept = cast("asyncio.Future[object]", running)
    _abandoned.add(kept)
    kept.add_done_callback(_forget)
    kept.cancel()


def _forget(ended: asyncio.Future[object]) -> None:
    _abandoned.discard(ended)
    if not ended.cancelled():
        ended.exception()


def _outcome_of(ended: asyncio.Future[Outcome]) -> Outcome:
    error = ended.exception()
    return ended.result() if error is None else _refused(error)


def _refused(error: BaseException) -> Outcome:
    """A port's exception as an outcome. Of one without a code only the type is told: its text is for nobody's eyes."""
    if isinstance(error, SandboxError):
        return failure(error)
    return failure(SandboxError(Code.INTERNAL_ERROR, _said(error)))


def _said(error: BaseException) -> str:
    return error.message if isinstance(error, SandboxError) else type(error).__name__
