"""A flow against what is registered: plugins and what they were granted, queues, other flows.

Must not know: where these are kept. What nobody knows is no fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pysandbox.core.flow.blocks import CallFlow, Decision, Flow, RouteToQueue, SetData
from pysandbox.core.flow.conditions import values_of
from pysandbox.core.flow.parse import Parsed
from pysandbox.core.flow.reader import Draft, Reader
from pysandbox.core.flow.templates import Literal, Value, lookups
from pysandbox.core.manifest_checks import join, show

MAY_ROUTE: Final = "telephony:trunk:view"
"""What a plugin needs whose result chooses a queue."""


@dataclass(frozen=True, slots=True)
class PluginView:
    """``permissions``: declared by the manifest and granted by the operator. ``handlers`` None is not known."""

    permissions: Collection[str]
    handlers: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is known where a flow is checked. None is not known at all, and so finds no fault.

    ``plugins`` goes by id, and by ``id@version``.
    """

    plugins: Mapping[str, PluginView] | None = None
    queues: Collection[str] | None = None
    flows: Mapping[str, Flow] | None = None


NOTHING_KNOWN: Final = View()
_ALL: Final = "*"
"""For ``{{data}}``: every name of ``setData``; it is no name itself."""


def check(parsed: Parsed, view: View, reader: Reader) -> None:
    """Faults of what the blocks of ``parsed`` name."""
    for draft in parsed.drafts:
        if view.plugins is not None:
            _plugins(draft, view.plugins, reader)
        block = draft.block
        if view.queues is not None and isinstance(block, RouteToQueue):
            _queue(draft, block, view.queues, reader)
        if view.flows is not None and isinstance(block, CallFlow):
            _flow(parsed, draft, block, view.flows, reader)
    if view.plugins is not None:
        _routing(parsed, view.plugins, reader)


def _plugins(draft: Draft, plugins: Mapping[str, PluginView], reader: Reader) -> None:
    for call, path in zip(draft.calls, draft.call_paths, strict=True):
        if not call.plugin_id:
            continue
        found = plugins.get(call.plugin_id)
        if found is None:
            reader.fault(
                join(path, "pluginId"), f"no enabled plugin {show(call.plugin_id)} is known",
                "Register and enable it, or mend the id.")
        elif found.handlers is not None and call.handler not in found.handlers and (
                call.handler or len(found.handlers) != 1):
            known = ", ".join(sorted(found.handlers)) or "none"
            rule = f"the plugin has no handler {show(call.handler)}" if call.handler else "is missing"
            reader.fault(join(path, "handler"), rule, f"Name one of the plugin's handlers: {known}.")


def _queue(draft: Draft, block: RouteToQueue, queues: Collection[str], reader: Reader) -> None:
    """One that a template names is looked for when the flow runs."""
    queue_id = block.queue_id
    if isinstance(queue_id, Literal) and queue_id.value not in queues:
        reader.fault(
            join(draft.path, "queueId"), f"no queue {show(queue_id.value)} is known",
            "Mend the id, or set the queue up first.")


def _flow(parsed: Parsed, draft: Draft, block: CallFlow, flows: Mapping[str, Flow], reader: Reader) -> None:
    at = join(draft.path, "flowId")
    other = flows.get(block.flow_id)
    if other is None:
        reader.fault(at, f"no flow {show(block.flow_id)} is known", "Store it first, or mend the id.")
    elif parsed.name and parsed.name in _all_called(block.flow_id, flows):
        reader.fault(at, f"leads back to this flow, {show(parsed.name)}", "End the interaction in one of them.")
    elif other.worst_ms > block.timeout_ms:
        reader.fault(
            join(draft.path, "timeout"), f"{block.flow_id} can take {other.worst_ms} ms, more than {block.timeout_ms}",
            "Raise it, or shorten the other flow's timeouts.")


def _all_called(flow_id: str, flows: Mapping[str, Flow]) -> set[str]:
    """``flow_id`` and every flow that a run of it can be handed on to."""
    seen, left = {flow_id}, [flow_id]
    while left:
        flow = flows.get(left.pop())
        more = (frozenset[str]() if flow is None else flow.flow_ids) - seen
        seen |= more
        left += more
    return seen


# --- who may choose a queue ---
def _routing(parsed: Parsed, plugins: Mapping[str, PluginView], reader: Reader) -> None:
    """A plugin's value that names a queue, or that decides between queues, takes a permission."""
    by_id = {draft.id: draft for draft in parsed.drafts}
    callers = {call.id: call.plugin_id for draft in parsed.drafts for call in draft.calls}
    tainted = _data_from_plugins(parsed, by_id)
    queues = {draft.id: _queues(draft.id, by_id) for draft in parsed.drafts}
    for draft in parsed.drafts:
        for path, value in _choosing(draft, queues):
            sources, names = _sources(value, by_id)
            for name in names:
                sources |= tainted.get(name, set())
            for plugin_id in sorted({callers[id] for id in sources if id in callers}):
                found = plugins.get(plugin_id)
                if found is not None and MAY_ROUTE not in found.permissions:
                    reader.fault(
                        path, f"lets the result of {plugin_id} choose a queue, and it lacks {MAY_ROUTE}",
                        "Declare the permission in its manifest and grant it, or choose by other data.")


def _choosing(draft: Draft, queues: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, Value]]:
    """The values by which ``draft`` chooses a queue, with their paths."""
    block = draft.block
    if isinstance(block, RouteToQueue):
        yield join(draft.path, "queueId"), block.queue_id
    elif isinstance(block, Decision) and len({queues.get(target) for target in draft.targets.values()}) > 1:
        for index, rule in enumerate(block.rules):
            for below, value in values_of(rule.when):
                yield f"{draft.path}.rules[{index}].when{below}", value


def _queues(start: str, by_id: Mapping[str, Draft]) -> frozenset[str]:
    """The blocks that route to a queue and can be reached from ``start``."""
    seen, left = {start}, [start]
    while left:
        draft = by_id.get(left.pop())
        for target in draft.targets.values() if draft is not None else ():
            if target not in seen:
                seen.add(target)
                left.append(target)
    return frozenset(id for id in seen if id in by_id and by_id[id].type == "routeToQueue")


def _data_from_plugins(parsed: Parsed, by_id: Mapping[str, Draft]) -> dict[str, set[str]]:
    """Names of ``setData`` that hold plugins' values, each with the calls these may come from; `_ALL` for any name."""
    tainted: dict[str, set[str]] = {}
    follow: dict[str, set[str]] = {}  # a name, and those that are made from it
    for draft in parsed.drafts:
        for name, value in draft.block.values.items() if isinstance(draft.block, SetData) else ():
            calls, names = _sources(value, by_id)
            tainted.setdefault(name, set()).update(calls)
            follow.setdefault(name, set()).add(_ALL)
            for other in names:
                follow.setdefault(other, set()).add(name)
    left = list(tainted)
    while left:
        name = left.pop()
        for other in follow.get(name, ()):
            held = tainted.setdefault(other, set())
            if not tainted[name] <= held:
                held |= tainted[name]
                left.append(other)
    return tainted


def _sources(value: Value, by_id: Mapping[str, Draft]) -> tuple[set[str], set[str]]:
    """The calls whose values are in ``value``, and the names of ``setData`` that are."""
    calls: set[str] = set()
    names: set[str] = set()
    for _, lookup in lookups(value):
        root, rest = lookup.path[0], lookup.path[1:]
        if root == "data":
            names.add(rest[0] if rest else _ALL)
        elif not rest or rest[0] in {"value", "winner"}:
            owner = by_id.get(root)
            calls.update([root] if owner is None else [call.id for call in owner.calls])
    return calls, names
