"""The journal: what a run did, one event a step. A run is replayed from it exactly, and resumed where it broke off.

The engine is deterministic, so both are the same thing: it runs again, and what the world answered comes from the
journal instead of from the world. An effect whose events are stored, and whose end is not, was begun when the server
died: nobody knows how far it came, so it is not begun again and ends as ``INTERRUPTED``.

Events (``n`` counts from 0, ``atMs`` is the flow's time): ``flowStarted``, ``blockStarted`` (the intent, before its
effect), ``attemptEnded`` (of ``retry``), ``blockEnded``, ``flowCalled``, ``flowEnded``. Must not know: where they lie.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import INFO, Code, SandboxError, Status
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.effects import Effect, End, Event, FindQueue, Invoke, Pause, Result, Send, Start
from pysandbox.core.flow.engine import Steps, execute
from pysandbox.core.flow.run import JOURNAL_FORMAT
from pysandbox.core.outcome import Outcome, failure

MAX_EVENTS: Final = 20_000
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_NO_FLOWS: Final[Mapping[str, Flow]] = {}
_OK: Final = Outcome(Status.OK)


def blocks_of(journal: Iterable[Event]) -> list[dict[str, Any]]:
    """What became of each block, in the order in which they ended."""
    return [
        {"block": event["block"], "branch": event["branch"], "to": event["to"], **event.get("outcome", {})}
        for event in journal if event["event"] == "blockEnded"]


def replay(flow: Flow, journal: Sequence[Event], *, flows: Mapping[str, Flow] = _NO_FLOWS) -> list[Event]:
    """The journal that ``flow`` writes when the world answers as ``journal`` says: the very same one.

    Raises `SandboxError` ``JOURNAL_INVALID`` at the first event that is another. One that breaks off is replayed as far
    as it goes.
    """
    steps, effect = _begin(flow, journal, flows)
    reader = _Reader(journal)
    written: list[Event] = []
    while True:
        reader.compare(effect)
        written += effect.events
        result = reader.answer(effect)
        if result is None:
            reader.nothing_left()
            return written
        effect = steps.send(result)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run again, at the effect where it goes on; events that are stored already are not in it any more."""

    steps: Steps
    effect: Effect
    started_ms: float


def resume(
    flow: Flow, journal: Sequence[Event], *, now_ms: float, flows: Mapping[str, Flow] = _NO_FLOWS
) -> Resumed:
    """Where the run of ``journal`` goes on. ``now_ms`` is the wall clock's, as `Start.started_ms` was.

    Raises `SandboxError` ``JOURNAL_INVALID``.
    """
    steps, effect = _begin(flow, journal, flows)
    started_ms = cast(float, journal[0]["startedMs"])
    reader = _Reader(journal)
    while True:
        reader.compare(effect)
        result = reader.answer(effect)
        if result is None:
            break
        effect = steps.send(result)
    reader.nothing_left()
    new = effect.events[max(0, len(journal) - effect.events[0]["n"]):] if effect.events else ()
    if not new and isinstance(effect, (Invoke, Send)):
        at_ms = max(cast(float, journal[-1]["atMs"]), round(now_ms - started_ms, 3))
        effect = steps.send(Result(at_ms, _interrupted(effect)))
    else:
        effect = replace(effect, events=new)
    return Resumed(steps, effect, started_ms)


def parse_journal(text: str) -> list[Event]:
    """The events of a journal, one JSON object a line. Raises `SandboxError` ``JOURNAL_INVALID`` with the line."""
    events: list[Event] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = strict_json.loads(line)
        except SandboxError as error:
            raise _invalid(f"line {number}: {error.message}") from error
        if not isinstance(event, dict) or len(events) == MAX_EVENTS:
            raise _invalid(f"line {number} is no event" if len(events) < MAX_EVENTS else "it has too many events")
        events.append(_checked(cast(dict[str, Any], event), len(events)))
    return events


def dump_journal(events: Iterable[Event]) -> str:
    """What `parse_journal` reads."""
    return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events)


def _checked(event: dict[str, Any], n: int) -> Event:
    at_ms = event.get("atMs")
    if event.get("n") != n or not isinstance(event.get("event"), str) or type(at_ms) not in {int, float}:
        raise _invalid(f"event {n}: it needs n, which is {n}, atMs and event")
    return event


def _begin(flow: Flow, journal: Sequence[Event], flows: Mapping[str, Flow]) -> tuple[Steps, Effect]:
    first: Event = journal[0] if journal else {}
    if first.get("event") != "flowStarted" or first.get("format") != JOURNAL_FORMAT:
        raise _invalid("it does not begin with a flowStarted that we know")
    if first.get("digest") != flow.digest:
        raise _invalid("the flow is not the one that this journal began with")
    try:
        start = Start(str(first["correlationId"]), float(first["startedMs"]), first["data"], first["pins"])
        steps = execute(flow, start, flows)
        return steps, next(steps)
    except (KeyError, TypeError, ValueError, AttributeError, SandboxError) as error:
        raise _invalid("its flowStarted is damaged") from error


class _Reader:
    """Answers from the journal, in the order in which the engine asks."""

    def __init__(self, journal: Sequence[Event]) -> None:
        self._journal = journal
        self._next = 0  # the first event that no effect has carried yet

    def compare(self, effect: Effect) -> None:
        """The effect's events must be the journal's, as far as that goes."""
        for event in effect.events:
            if self._next < len(self._journal) and self._journal[self._next] != event:
                raise _invalid(f"event {self._next} is not what this flow does there")
            self._next += 1

    def answer(self, effect: Effect) -> Result | None:
        """What the world said, which the event after the effect tells; None where the journal ends."""
        if isinstance(effect, End) or self._next >= len(self._journal):
            return None
        event = self._journal[self._next]
        try:
            return Result(float(event["atMs"]), _outcomes(effect, event))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _invalid(f"event {self._next} is damaged") from error

    def nothing_left(self) -> None:
        if self._next < len(self._journal):
            raise _invalid(f"event {self._next} comes after the end")


def _outcomes(effect: Effect, event: Event) -> tuple[Outcome, ...]:
    match effect:
        case Invoke(calls=(_,)) if "calls" not in event:
            return (_outcome(event["outcome"]),)
        case Invoke():
            return tuple(_outcome(event["calls"][call.id]) for call in effect.calls)
        case FindQueue() if event["event"] == "flowEnded":
            code = event.get("errorCode")
            return (failure(SandboxError(Code(code))) if code else _OK,)
        case Send() | FindQueue():
            return (_outcome(event["outcome"]),)
        case Pause() | End():
            return ()


def _outcome(state: Mapping[str, Any]) -> Outcome:
    """The outcome that a state was made from. Raises KeyError, TypeError, ValueError for what is none."""
    if "errorCode" in state:
        status, value, error = Status.ERROR, "null", SandboxError(Code(state["errorCode"]), str(state["message"]))
    else:
        status, value, error = Status.OK, json.dumps(state.get("value")), None
    return Outcome(
        status if error is None else INFO[error.code].status, value, error=error,
        correlation_id=str(state.get("correlationId", "")), duration_ms=float(state.get("durationMs", 0)),
        generation=int(state.get("generation", 0)))


def _interrupted(effect: Invoke | Send) -> tuple[Outcome, ...]:
    many = len(effect.calls) if isinstance(effect, Invoke) else 1
    return (failure(SandboxError(Code.INTERRUPTED)),) * many


def _invalid(why: str) -> SandboxError:
    return SandboxError(Code.JOURNAL_INVALID, f"the journal: {why}")
