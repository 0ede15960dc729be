"""The engine: a generator that yields effects and is sent results, and ends in exactly one terminal block.

Nothing in here waits, fails or decides by anything but the flow, its start and the results: the same results give the
same effects and the same journal. After the deadline nothing that takes time is started any more: each block that would
take its timeout branch at once, a wait is over, a message goes unsent. What is left are decisions and data, and so the
run ends in a terminal block that the flow's author wrote, by a branch that the author wrote.

Must not know: who performs effects, what the time is, plugins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, TypeAlias, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.core.flow import joining
from pysandbox.core.flow.blocks import (
    AnyBlock,
    Call,
    CallFlow,
    Decision,
    Disconnect,
    Flow,
    InvokePlugin,
    Parallel,
    Retry,
    RouteToQueue,
    SendMessage,
    SetData,
    Wait,
)
from pysandbox.core.flow.conditions import holds
from pysandbox.core.flow.effects import Effect, End, Ending, FindQueue, Invoke, Pause, Result, Send, Start
from pysandbox.core.flow.run import BRANCHES, MAX_VALUE_CHARS, Run
from pysandbox.core.flow.templates import Value, render
from pysandbox.core.outcome import Outcome, failure

Steps: TypeAlias = Generator[Effect, Result, Ending]
_Branch: TypeAlias = Generator[Effect, Result, str]
MAX_HANDED_ON: Final = 8
"""How often one run can be handed on to another flow; that more is a circle."""
_NO_FLOWS: Final[Mapping[str, Flow]] = {}


def execute(flow: Flow, start: Start, flows: Mapping[str, Flow] = _NO_FLOWS) -> Steps:
    """One run. ``flows`` are those that ``callFlow`` can name. Raises `SandboxError` ``INPUT_INVALID``, at once."""
    run = Run(flow, start)
    block = flow.blocks[flow.entry]
    while True:
        if block.max_visits and _visited(run, block):
            branch = "onExhausted"
            run.log("blockEnded", {"block": block.id, "branch": branch, "to": block.targets[branch]})
        elif isinstance(block, (RouteToQueue, Disconnect)):
            ending = yield from _terminal(run, block)
            if ending is not None:
                yield End(run.take_events(), ending)
                return ending
            branch = "onError"
        elif isinstance(block, CallFlow):
            branch = _hand_on(run, block, flows)
            if not branch:
                block = run.flow.blocks[run.flow.entry]
                continue
        else:
            branch = yield from _PERFORM[type(block)](run, block)
        block = run.flow.blocks[block.targets[branch]]


def _visited(run: Run, block: AnyBlock) -> bool:
    """Counts a visit; whether it is one too many."""
    run.visits[block.id] = run.visits.get(block.id, 0) + 1
    return run.visits[block.id] > block.max_visits


# --- plugins ---
def _invoke(run: Run, block: InvokePlugin) -> _Branch:
    since = run.now_ms
    state, outcome = yield from _call(run, block, block.call, run.until(block.timeout_ms), {})
    return _settled(run, block, state, outcome, since)


def _retry(run: Run, block: Retry) -> _Branch:
    since, budget_until = run.now_ms, run.until(block.budget_ms)
    for attempt in range(1, block.attempts + 1):
        until = min(run.until(block.timeout_ms), budget_until)
        state, outcome = yield from _call(run, block, block.call, until, {"attempt": attempt})
        pause_until = run.until(block.delay_ms)
        last = attempt == block.attempts or pause_until >= budget_until
        if outcome.error is None or not outcome.error.retryable or last:
            state["attempts"] = attempt
            return _settled(run, block, state, outcome, since)
        run.log("attemptEnded", {"block": block.id, "attempt": attempt, "outcome": state})
        result = yield Pause(run.take_events(), block.id, pause_until)
        run.passed(result.at_ms)
    raise AssertionError("a retry has at least one attempt")


def _call(
    run: Run, block: AnyBlock, call: Call, until_ms: float, more: Mapping[str, Any]
) -> Generator[Effect, Result, tuple[dict[str, Any], Outcome]]:
    """One call of one plugin: its state, and the outcome."""
    since = run.now_ms
    try:
        _refuse_late(run)
        invocation = run.prepared(block, call)
    except SandboxError as error:
        return run.state(failure(error), run.now_ms - since)
    run.log("blockStarted", {
        "block": block.id, "type": block.type, "plugin": invocation.plugin, "untilMs": until_ms, **more})
    result = yield Invoke(run.take_events(), block.id, (invocation,), "all", until_ms)
    run.passed(result.at_ms)
    return run.state(result.outcomes[0], run.now_ms - since, invocation.correlation_id)


def _parallel(run: Run, block: Parallel) -> _Branch:
    since = run.now_ms
    try:
        _refuse_late(run)
        calls = tuple(run.prepared(block, call) for call in block.calls)
    except SandboxError as error:
        return _settled(run, block, *run.state(failure(error), run.now_ms - since), since)
    until = run.until(block.timeout_ms)
    run.log("blockStarted", {
        "block": block.id, "type": block.type, "calls": {call.id: call.plugin for call in calls}, "untilMs": until})
    result = yield Invoke(run.take_events(), block.id, calls, block.join, until)
    run.passed(result.at_ms)
    states: dict[str, dict[str, Any]] = {}
    outcomes: list[Outcome] = []
    for call, answered in zip(calls, result.outcomes, strict=True):
        took_ms = answered.duration_ms or run.now_ms - since
        states[call.id], outcome = run.state(answered, took_ms, call.correlation_id)
        outcomes.append(outcome)
    run.scope.update(states)
    chosen = joining.deciding(block.join, outcomes)
    told = dict(states[calls[chosen].id])
    if block.join == "first":
        told["winner"] = calls[chosen].id
    elif outcomes[chosen].error is None:
        told["value"] = {name: state["value"] for name, state in states.items()}
    return _settled(run, block, told, outcomes[chosen], since, calls=states, plugin=calls[chosen].plugin)


def _settled(
    run: Run, block: InvokePlugin | Retry | Parallel, state: dict[str, Any], outcome: Outcome, since_ms: float, *,
    calls: Mapping[str, Any] | None = None, plugin: str = "",
) -> str:  # fmt: skip
    """The end of a block that called plugins: templates see its state, the summary its failure."""
    state["durationMs"] = round(run.now_ms - since_ms, 3)
    run.scope[block.id] = state
    branch = BRANCHES.get(outcome.status, "onError")
    to = block.targets[branch]
    if outcome.error is not None:
        named = block.call.plugin_id if not isinstance(block, Parallel) else block.calls[0].plugin_id
        run.failed(block, state, plugin or run.start.pins.get(named, named), to)
    more = {} if calls is None else {"calls": calls}
    run.log("blockEnded", {"block": block.id, "branch": branch, "to": to, "outcome": state, **more})
    return branch


def _refuse_late(run: Run) -> None:
    if run.is_over:
        raise SandboxError(Code.FLOW_DEADLINE)


# --- data ---
def _decide(run: Run, block: Decision) -> _Branch:
    branch, more = "otherwise", dict[str, Any]()
    try:
        branch = next((rule.then for rule in block.rules if holds(rule.when, run.scope)), branch)
    except SandboxError as error:
        more = {"errorCode": error.code.value, "message": error.message}
    _go_on(run, block, branch, more)
    return branch
    yield  # never reached: it makes this a generator, as the others are


def _set_data(run: Run, block: SetData) -> _Branch:
    try:
        values = {name: _bounded(value, run) for name, value in block.values.items()}
    except SandboxError as error:
        return _gone_wrong(run, block, failure(error), run.now_ms)
    run.data.update(values)
    _go_on(run, block, "next", {})
    return "next"
    yield


def _bounded(value: Value, run: Run) -> object:
    """The value as it is now: a copy, so that no data comes to hold itself."""
    found = render(value, run.scope)
    if isinstance(found, (dict, list)):
        return cast(object, json.loads(strict_json.dumps(cast(object, found), max_chars=MAX_VALUE_CHARS)))
    return found


# --- time and messages ---
def _wait(run: Run, block: Wait) -> _Branch:
    if not run.is_over:
        until = run.until(block.ms)
        run.log("blockStarted", {"block": block.id, "type": block.type, "untilMs": until})
        result = yield Pause(run.take_events(), block.id, until)
        run.passed(result.at_ms)
    _go_on(run, block, "next", {})
    return "next"


def _send(run: Run, block: SendMessage) -> _Branch:
    since = run.now_ms
    try:
        _refuse_late(run)
        text = _as_text(render(block.text, run.scope))
    except SandboxError as error:
        return _gone_wrong(run, block, failure(error), since)
    until = run.until(block.timeout_ms)
    run.log("blockStarted", {"block": block.id, "type": block.type, "untilMs": until})
    result = yield Send(run.take_events(), block.id, block.to, text, until)
    run.passed(result.at_ms)
    if result.outcomes[0].error is not None:
        return _gone_wrong(run, block, result.outcomes[0], since)
    _go_on(run, block, "next", {"outcome": {"status": Status.OK.value}})
    return "next"


def _gone_wrong(run: Run, block: AnyBlock, outcome: Outcome, since_ms: float) -> str:
    """``onError``, or where the block has none, ``next``: what it does is declared to be nothing that matters."""
    state, _ = run.state(outcome, run.now_ms - since_ms)
    run.scope[block.id] = state
    branch = "onError" if "onError" in block.targets else "next"
    run.failed(block, state, "", block.targets[branch])
    _go_on(run, block, branch, {"outcome": state})
    return branch


def _go_on(run: Run, block: AnyBlock, branch: str, more: Mapping[str, Any]) -> None:
    run.log("blockEnded", {"block": block.id, "branch": branch, "to": block.targets[branch], **more})


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return strict_json.dumps(value)
    raise SandboxError(Code.TEMPLATE_FAILED, "what the template finds is no text")


# --- ends ---
def _hand_on(run: Run, block: CallFlow, flows: Mapping[str, Flow]) -> str:
    """"" if the run goes on in another flow, else the branch."""
    since = run.now_ms
    try:
        _refuse_late(run)
        flow = flows.get(block.flow_id)
        if flow is None or run.handed_on == MAX_HANDED_ON:
            why = "no such flow is known" if flow is None else f"the run was handed on {MAX_HANDED_ON} times already"
            raise SandboxError(Code.FLOW_NOT_FOUND, f"{block.flow_id}: {why}")
        handed = _bounded(block.input, run)
    except SandboxError as error:
        return _gone_wrong(run, block, failure(error), since)
    run.handed_on += 1
    run.deadline_ms = min(run.until(block.timeout_ms), run.until(flow.sla_ms))
    run.log("flowCalled", {
        "block": block.id, "flow": block.flow_id, "digest": flow.digest, "untilMs": run.deadline_ms})
    run.enter(flow, handed)
    return ""


def _terminal(run: Run, block: RouteToQueue | Disconnect) -> Generator[Effect, Result, Ending | None]:
    """The ending; None if the queue is not to be had, and the block has an ``onError``."""
    said, error_code = "", ""
    if isinstance(block, RouteToQueue):
        said, found = yield from _find_queue(run, block)
        if found.error is not None and "onError" in block.targets:
            _gone_wrong(run, block, found, run.now_ms)
            return None
        error_code = "" if found.error is None else found.error.code.value
    unresolved: list[str] = []
    metadata = {name: _metadata(name, value, run, unresolved) for name, value in block.metadata.items()}
    if isinstance(block, Disconnect):
        reason = _metadata("reason", block.reason, run, unresolved)
        said = reason if isinstance(reason, str) else ""
    ending = Ending(
        block.id, block.type, metadata, run.summary, round(run.now_ms, 3), run.sla_ms, run.start.correlation_id,
        flow=run.flow.name, queue_id=said if isinstance(block, RouteToQueue) else "",
        reason=said if isinstance(block, Disconnect) else "", error_code=error_code, unresolved=tuple(unresolved))
    run.log("flowEnded", ending.as_json())
    return ending


def _find_queue(run: Run, block: RouteToQueue) -> Generator[Effect, Result, tuple[str, Outcome]]:
    try:
        queue_id = _as_text(render(block.queue_id, run.scope))
    except SandboxError as error:
        return "", failure(SandboxError(Code.QUEUE_NOT_FOUND, error.message))
    result = yield FindQueue(run.take_events(), block.id, queue_id)
    run.passed(result.at_ms)
    return queue_id, result.outcomes[0]


def _metadata(name: str, value: Value, run: Run, unresolved: list[str]) -> object:
    """An end must not fail for what is said about it."""
    try:
        return _bounded(value, run)
    except SandboxError:
        unresolved.append(name)
        return None


_PERFORM: Final[Mapping[type, Callable[[Run, Any], _Branch]]] = cast(Mapping[type, Callable[[Run, Any], _Branch]], {
    InvokePlugin: _invoke, Retry: _retry, Parallel: _parallel, Decision: _decide, SetData: _set_data, Wait: _wait,
    SendMessage: _send,
})
