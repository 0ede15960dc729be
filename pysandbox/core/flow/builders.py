"""One function for each type of block: from its members to what the engine reads.

Must not know: fields that all blocks share, and the paths between blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from pysandbox.core.flow.blocks import (
    AnyBlock,
    Call,
    CallFlow,
    Decision,
    Disconnect,
    InvokePlugin,
    Parallel,
    Retry,
    RouteToQueue,
    Rule,
    SendMessage,
    SetData,
    Wait,
)
from pysandbox.core.flow.condition_form import read_condition
from pysandbox.core.flow.conditions import values_of
from pysandbox.core.flow.reader import FLOW_FORM, Draft, Reader, note
from pysandbox.core.flow.spec import BLOCKS, CALL_FIELDS, MAX_CALLS, MAX_RULES
from pysandbox.core.flow.templates import Value, lookups
from pysandbox.core.manifest import FORMS
from pysandbox.core.manifest_checks import Form, join, show

_HANDLER_FORM: Final = Form(
    re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}"), 64, "is no handler's name", 'Write its name, like "evaluate".')
_Members = Mapping[str, object]


def build(members: _Members, draft: Draft, reader: Reader) -> AnyBlock:
    """The block of a known type; of use only if ``reader`` found nothing wrong with it."""
    base: dict[str, Any] = {"id": draft.id, "targets": draft.targets, "max_visits": draft.max_visits}
    for name, field in BLOCKS[draft.type].fields.items():
        if field.kind == "number":
            base[_NUMBERS[name]] = reader.number(members, draft.path, name, field)
    return _MAKE[draft.type](members, draft, reader, base)


def _invoke(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    return InvokePlugin(call=_call(members, draft.path, draft, reader, own=True), **base)


def _retry(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    return Retry(call=_call(members, draft.path, draft, reader, own=True), **base)


def _parallel(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    chosen = reader.choice(members, draft.path, "join", BLOCKS["parallel"].fields["join"].choices)
    calls = _calls(members, draft.path, draft, reader)
    return Parallel(calls=calls, join="first" if chosen == "first" else "all", **base)


def _decision(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    return Decision(rules=_rules(members, draft.path, draft, reader), **base)


def _set_data(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    values = reader.named_values(members, draft.path, "set")
    note(draft, join(draft.path, "set"), values, needed=True)
    draft.sets = tuple(values)
    return SetData(values=values, **base)


def _wait(_members: _Members, _draft: Draft, _reader: Reader, base: dict[str, Any]) -> AnyBlock:
    return Wait(**base)


def _send(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    text, spec = reader.text_value(members, draft.path, "text"), BLOCKS["sendMessage"].fields["to"]
    note(draft, draft.path, {"text": text}, needed=True)
    to = reader.choice(members, draft.path, "to", spec.choices) or cast(str, spec.default)
    return SendMessage(text=text, to=to, **base)


def _call_flow(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    handed = reader.value(members.get("input", {}), join(draft.path, "input"))
    note(draft, draft.path, {"input": handed}, needed=False)
    return CallFlow(flow_id=reader.text(members, draft.path, "flowId", FLOW_FORM) or "", input=handed, **base)


def _route(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    queue_id = reader.text_value(members, draft.path, "queueId")
    if members.get("queueId") == "":
        reader.fault(join(draft.path, "queueId"), "names no queue", "Write the queue's id.")
    note(draft, draft.path, {"queueId": queue_id}, needed=True)
    return RouteToQueue(queue_id=queue_id, metadata=_metadata(members, draft, reader), **base)


def _disconnect(members: _Members, draft: Draft, reader: Reader, base: dict[str, Any]) -> AnyBlock:
    reason = reader.text_value(members, draft.path, "reason")
    note(draft, draft.path, {"reason": reason}, needed=False)
    return Disconnect(reason=reason, metadata=_metadata(members, draft, reader), **base)


_MAKE: Final[Mapping[str, Callable[[_Members, Draft, Reader, dict[str, Any]], AnyBlock]]] = {
    "invokePlugin": _invoke, "retry": _retry, "parallel": _parallel, "decision": _decision, "setData": _set_data,
    "wait": _wait, "sendMessage": _send, "callFlow": _call_flow, "routeToQueue": _route, "disconnect": _disconnect,
}
_NUMBERS: Final[Mapping[str, str]] = {
    "timeout": "timeout_ms", "ms": "ms", "attempts": "attempts", "delayMs": "delay_ms", "budgetMs": "budget_ms"}


def _metadata(members: _Members, draft: Draft, reader: Reader) -> dict[str, Value]:
    found = reader.named_values(members, draft.path, "metadata")
    note(draft, join(draft.path, "metadata"), found, needed=False)
    return found


def _call(members: Mapping[str, object], path: str, draft: Draft, reader: Reader, *, own: bool) -> Call:
    """A call; the block's own (``own``), or one of several, which has an id of its own."""
    plugin_id = _plugin(members, path, reader)
    handler = reader.text(members, path, "handler", _HANDLER_FORM) or ""
    payload = reader.value(members.get("payload", {}), join(path, "payload"))
    note(draft, path, {"payload": payload}, needed=False)
    call = Call(draft.id if own else reader.block_id(members, path), plugin_id, handler, payload)
    draft.calls += (call,)
    draft.call_paths += (path,)
    return call


def _plugin(members: Mapping[str, object], path: str, reader: Reader) -> str:
    value = members.get("pluginId")
    if not isinstance(value, str):
        return reader.text(members, path, "pluginId", FORMS["pluginId"]) or ""
    plugin_id, at, version = value.partition("@")
    good = reader.text({"pluginId": plugin_id}, path, "pluginId", FORMS["pluginId"]) is not None
    if at and not FORMS["version"].pattern.fullmatch(version):
        reader.fault(join(path, "pluginId"), f"{show(version)} is no SemVer version", FORMS["version"].cure)
    return value if good else ""


def _calls(members: Mapping[str, object], path: str, draft: Draft, reader: Reader) -> tuple[Call, ...]:
    found: list[Call] = []
    for index, item in enumerate(reader.array(members, path, "calls", MAX_CALLS)):
        here = join(join(path, "calls"), index)
        fields = reader.fields(item, here, required=("id",), optional=tuple(CALL_FIELDS))
        reader.missing(fields, here, CALL_FIELDS)
        found.append(_call(fields, here, draft, reader, own=False))
    return tuple(found)


def _rules(members: Mapping[str, object], path: str, draft: Draft, reader: Reader) -> tuple[Rule, ...]:
    found: list[Rule] = []
    for index, item in enumerate(reader.array(members, path, "rules", MAX_RULES)):
        here, branch = join(join(path, "rules"), index), f"rules[{index}].then"
        fields = reader.fields(item, here, required=("when", "then"))
        reader.target(fields, here, "then", branch, draft)
        condition = read_condition(fields["when"], join(here, "when"), reader) if "when" in fields else None
        if condition is not None:
            for below, value in values_of(condition):
                draft.lookups += [(at, lookup, False) for at, lookup in lookups(value, f"{here}.when{below}")]
            found.append(Rule(when=condition, then=branch))
    return tuple(found)
