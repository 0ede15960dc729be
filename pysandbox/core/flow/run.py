"""What one run of a flow knows: its time, its data, the events that are not stored yet.

Must not know: what a block does (`pysandbox.core.flow.engine`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.flow.blocks import AnyBlock, Call, Flow
from pysandbox.core.flow.effects import Event, Invocation, Start
from pysandbox.core.flow.templates import render
from pysandbox.core.outcome import Outcome, failure

GIVEN_ROOTS: Final = ("interaction", "webchat", "session")
"""What a caller starts a flow with."""
OWN_ROOTS: Final = ("data", "input", "flow", "summary")
ROOTS: Final = (*GIVEN_ROOTS, *OWN_ROOTS)
"""Where a template can begin; a block's id is the other thing."""
MAX_VALUE_CHARS: Final = 64 * 1024
"""Of a payload, a plugin's value, or one name of ``setData``, as JSON."""
MAX_DATA_CHARS: Final = 256 * 1024
"""Of what a flow is started with, as JSON."""
MAX_MESSAGE_CHARS: Final = 500
"""Of an error's message in a state, and so in the journal."""
MAX_CID_CHARS: Final = 56
"""Of the run's correlation id in a call's own, which has 64 at most."""
JOURNAL_FORMAT: Final = 1

BRANCHES: Final[Mapping[Status, str]] = {Status.OK: "onSuccess", Status.TIMEOUT: "onTimeout"}
"""Where an outcome leads; everything else is ``onError``."""


class Run:
    """``scope`` is what templates see; ``events`` what the next effect carries."""

    def __init__(self, flow: Flow, start: Start) -> None:
        given = checked_data(start.data)
        self.flow = flow
        self.start = start
        self.now_ms = 0.0
        self.began_ms = 0.0  # of this flow: later than 0 for one that was handed on to
        self.deadline_ms = float(flow.sla_ms)
        self.sla_ms = flow.sla_ms
        self.handed_on = 0
        self.visits: dict[str, int] = {}
        self.events: list[Event] = []
        self._next = 0
        interaction = given["interaction"]
        before = cast(dict[str, object], interaction).get("summary") if isinstance(interaction, dict) else None
        self.failures: list[dict[str, object]] = []
        self.summary: dict[str, object] = {
            "text": before if isinstance(before, str) else "", "fallbackTriggered": False, "failures": self.failures}
        self.data: dict[str, object] = {}
        self.given = given
        self.scope: dict[str, object] = {}
        self.enter(flow, None)
        self.log("flowStarted", {
            "format": JOURNAL_FORMAT, "flow": flow.name, "digest": flow.digest, "slaMs": flow.sla_ms,
            "startedMs": start.started_ms, "correlationId": start.correlation_id, "pins": dict(start.pins),
            "data": given})

    def enter(self, flow: Flow, handed: object) -> None:
        """From here on ``flow`` is run; its blocks see nothing of those of the flow before."""
        self.flow = flow
        self.visits = {}
        self.data = {}
        self.scope = {
            **self.given, "data": self.data, "input": handed, "summary": self.summary,
            "flow": {"name": flow.name, "correlationId": self.start.correlation_id}}

    @property
    def is_over(self) -> bool:
        """Whether the time is over: from here on nothing that takes time is started."""
        return self.now_ms >= self.deadline_ms

    def until(self, ms: float) -> float:
        """The end of a span that begins now, cut at the deadline."""
        return min(round(self.now_ms + ms, 3), self.deadline_ms)

    def passed(self, at_ms: float) -> None:
        """Time never goes back, whatever clock the answer was stamped by."""
        self.now_ms = max(self.now_ms, at_ms)

    def log(self, event: str, fields: Mapping[str, Any]) -> None:
        self.events.append({"n": self._next, "atMs": self.now_ms, "event": event, **fields})
        self._next += 1

    def take_events(self) -> tuple[Event, ...]:
        events = tuple(self.events)
        self.events.clear()
        return events

    def prepared(self, block: AnyBlock, call: Call) -> Invocation:
        """The call with its payload filled in. Raises `SandboxError` where that cannot be done."""
        payload = strict_json.dumps(render(call.payload, self.scope), max_chars=MAX_VALUE_CHARS)
        return Invocation(
            call.id if call.id != block.id else "", self.start.pins.get(call.plugin_id, call.plugin_id), call.handler,
            payload, f"{self.start.correlation_id[:MAX_CID_CHARS]}.{self._next}")

    def state(self, outcome: Outcome, took_ms: float, correlation_id: str = "") -> tuple[dict[str, Any], Outcome]:
        """A call's outcome as templates and the journal see it, and what it counts as: a value may be unfit for us.

        The status is the code's own, whatever the outcome says: a branch must follow from what is journaled.
        """
        value, error = value_of(outcome) if outcome.error is None else (None, outcome.error)
        counted = outcome if error is None else failure(
            error, correlation_id=outcome.correlation_id, generation=outcome.generation)
        told: dict[str, Any] = {"status": counted.status.value}
        if error is None:
            told["value"] = value
        else:
            told |= {"errorCode": error.code.value, "message": error.message[:MAX_MESSAGE_CHARS]}
        told |= {
            "durationMs": round(took_ms, 3), "generation": counted.generation,
            "correlationId": counted.correlation_id or correlation_id}
        return told, counted

    def failed(self, block: AnyBlock, state: Mapping[str, Any], plugin: str, to: str) -> None:
        """A fallback branch is taken: the interaction's summary says so."""
        self.failures.append({
            "block": block.id, "plugin": plugin, "to": to,
            **{name: state[name] for name in ("status", "errorCode", "durationMs", "generation", "correlationId")
               if name in state}})  # fmt: skip
        line = f"{block.id}: {plugin or block.type} {state['status']} ({state['errorCode']}), went on to {to}."
        text = cast(str, self.summary["text"])
        self.summary["text"] = f"{text}\n{line}" if text else line
        self.summary["fallbackTriggered"] = True


def checked_data(data: Mapping[str, object]) -> dict[str, object]:
    """What a flow is started with, as JSON of our own. Raises `SandboxError` ``INPUT_INVALID``."""
    unknown = [name for name in data if name not in GIVEN_ROOTS]
    if unknown:
        raise SandboxError(
            Code.INPUT_INVALID, f"a flow is started with {', '.join(GIVEN_ROOTS)}, not with {str(unknown[0])[:64]!r}")
    try:
        text = strict_json.dumps({name: data.get(name, {}) for name in GIVEN_ROOTS}, max_chars=MAX_DATA_CHARS)
    except SandboxError as error:
        raise SandboxError(Code.INPUT_INVALID, f"what the flow is started with: {error.message}") from error
    return cast(dict[str, object], json.loads(text))


def value_of(outcome: Outcome) -> tuple[object, SandboxError | None]:
    """The value of a call that went well, or why a flow cannot have it."""
    if outcome.buffers:
        return None, SandboxError(Code.RESULT_NOT_JSON, "the result holds bytes, which a flow has no place for")
    try:
        return strict_json.loads(outcome.value, max_chars=MAX_VALUE_CHARS), None
    except SandboxError as error:
        code = error.code if error.code is Code.MESSAGE_LIMIT else Code.RESULT_NOT_JSON
        return None, SandboxError(code, f"the result cannot be a flow's data: {error.message}")
