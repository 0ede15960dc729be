"""A journal as sentences: what happened, when, why it went where it went, and how much of the time was used.

Must not know: terminals, colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pysandbox.core.flow.effects import Event


@dataclass(frozen=True, slots=True)
class Line:
    """One step. ``trouble``: a fallback was taken."""

    at_ms: float
    text: str
    trouble: bool = False


def explain(journal: Sequence[Event]) -> list[Line]:
    """Every event of ``journal`` as a line, however damaged it is."""
    lines = [Line(_number(event.get("atMs")), *_told(event)) for event in journal]
    if not journal or journal[-1].get("event") != "flowEnded":
        lines.append(Line(lines[-1].at_ms if lines else 0.0, "the journal breaks off: the run has not ended", True))
    return lines


def _told(event: Event) -> tuple[str, bool]:
    tell = _TOLD.get(str(event.get("event")))
    return tell(event) if tell is not None else (f"an event that nobody knows: {event.get('event')!r}", True)


def _flow_started(event: Event) -> tuple[str, bool]:
    pins = ", ".join(str(pin) for pin in _object(event, "pins").values())
    text = f"{event.get('flow') or 'the flow'} began; it has {event.get('slaMs')} ms"
    return text + (f"; plugins: {pins}" if pins else ""), False


def _attempt_ended(event: Event) -> tuple[str, bool]:
    return f"{event.get('block')}: attempt {event.get('attempt')} {_outcome(event)}; once more", True


def _called(event: Event) -> tuple[str, bool]:
    return f"{event.get('block')} handed on to the flow {event.get('flow')}, until {event.get('untilMs')} ms", False


def _started(event: Event) -> tuple[str, bool]:
    calls = list(_object(event, "calls").values()) or [event[name] for name in ("plugin",) if name in event]
    what = f" calls {', '.join(map(str, calls))}" if calls else " began"
    attempt = f", attempt {event['attempt']}" if "attempt" in event else ""
    return f"{event.get('block')}{what}{attempt}, until {event.get('untilMs')} ms at most", False


def _ended(event: Event) -> tuple[str, bool]:
    branch, to = event.get("branch"), event.get("to")
    if branch == "onExhausted":
        return f"{event.get('block')} was visited as often as it may; on to {to}", True
    if "outcome" in event:
        failed = "errorCode" in _object(event, "outcome")
        return f"{event.get('block')} {_outcome(event)}; {branch}: on to {to}", failed
    why = f" could not compare ({event['errorCode']}: {event.get('message')})" if "errorCode" in event else ""
    return f"{event.get('block')}{why}; {branch}: on to {to}", bool(why)


def _outcome(event: Event) -> str:
    state = _object(event, "outcome")
    took = f" after {state['durationMs']} ms" if "durationMs" in state else ""
    if "errorCode" not in state:
        return f"succeeded{took}"
    return f"ended as {state.get('status')} {state['errorCode']}{took} ({state.get('message')})"


def _end(event: Event) -> tuple[str, bool]:
    where = f"queue {event.get('queueId')}" if event.get("type") == "routeToQueue" else "disconnect"
    text = f"ended in {event.get('block')}: {where}, after {event.get('durationMs')} of {event.get('slaMs')} ms"
    troubles = list(_troubles(event))
    return text + "".join(f"; {trouble}" for trouble in troubles), bool(troubles)


def _troubles(event: Event) -> Iterator[str]:
    if not event.get("withinSla", True):
        yield "LATER than it should have"
    if "errorCode" in event:
        yield str(event["errorCode"])
    if event.get("unresolved"):
        yield f"metadata without a value: {', '.join(map(str, cast(list[Any], event['unresolved'])))}"


_TOLD: Final[Mapping[str, Callable[[Event], tuple[str, bool]]]] = {
    "flowStarted": _flow_started, "blockStarted": _started, "attemptEnded": _attempt_ended, "blockEnded": _ended,
    "flowCalled": _called, "flowEnded": _end}


def _object(event: Event, name: str) -> Mapping[str, Any]:
    found = event.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
