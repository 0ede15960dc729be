"""Everything that is wrong with a flow, at once: `check_flow`; and the flow, if nothing is: `parse_flow`.

A flow that passes always ends inside its SLA, as long as those who run it answer at the times they are told.
Must not know: where flows, plugins and queues are kept (`View` is what somebody knows of them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Final

from pysandbox.core.errors import FlowError, Problem, SandboxError
from pysandbox.core.flow import registered, sight
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.graph import EXHAUSTED, MAX_BOUNDED, Longest, Node, circles, longest, reachable
from pysandbox.core.flow.parse import Parsed, canonical, parse
from pysandbox.core.flow.reader import Draft, Reader
from pysandbox.core.flow.registered import NOTHING_KNOWN, View
from pysandbox.core.json_text import read_json
from pysandbox.core.manifest_checks import MAX_PROBLEMS, join, show

MAX_FLOW_CHARS: Final = 256 * 1024
MAX_CIRCLES: Final = 10
"""Of the circles that are listed."""


@dataclass(frozen=True, slots=True)
class FlowCheck:
    """``flow`` is there if there are no problems. ``longest`` is the way that takes most time, where it can be told."""

    flow: Flow | None
    problems: Sequence[Problem]
    longest: Longest | None
    sla_ms: int


def parse_flow(data: object, view: View = NOTHING_KNOWN) -> Flow:
    """The flow in ``data`` (bytes, text, or the JSON value). Raises `FlowError` that lists every problem."""
    found = check_flow(data, view)
    if found.flow is None:
        raise FlowError(found.problems)
    return found.flow


def check_flow(data: object, view: View = NOTHING_KNOWN) -> FlowCheck:
    """What is wrong with ``data``, whatever it is; the first `MAX_PROBLEMS` faults of it."""
    try:
        value, problems = read_json(data, max_chars=MAX_FLOW_CHARS, refuse=FlowError)
    except SandboxError as error:
        return FlowCheck(None, error.details, None, 0)
    reader = Reader()
    parsed = parse(value, reader)
    way = _hang_together(parsed, reader) if parsed.drafts else None
    flow = None
    if parsed.drafts:
        registered.check(parsed, view, reader)
    told = {problem.path for problem in problems}
    problems += [problem for problem in reader.problems if problem.path not in told]
    if not problems and way is not None:
        blocks = {draft.id: draft.block for draft in parsed.drafts if draft.block is not None}
        digest = "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
        flow = Flow(parsed.name, parsed.sla_ms, parsed.drafts[0].id, blocks, digest, way.ms)
    return FlowCheck(flow, _bounded(problems), way, parsed.sla_ms)


def _bounded(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MAX_PROBLEMS:
        return problems
    more = Problem("$", f"has {len(problems) - MAX_PROBLEMS} more problems", "Mend these first.")
    return [*problems[:MAX_PROBLEMS], more]


def _hang_together(parsed: Parsed, reader: Reader) -> Longest | None:
    by_id = _by_id(parsed.drafts, reader)
    for draft in parsed.drafts:
        for branch, target in draft.targets.items():
            if target not in by_id:
                cure = "Add it." if reader.is_enough else _add_or_name(target, by_id)
                reader.fault(draft.places[branch], f"there is no block {show(target)}", cure)
    entry = parsed.drafts[0].id
    if entry not in by_id:
        return None
    nodes = {id: _node(draft, by_id) for id, draft in by_id.items()}
    seen = reachable(nodes, entry)
    for draft in parsed.drafts:
        if draft.id and draft.id not in seen:
            reader.fault(draft.path, f"{show(draft.id)} cannot be reached", "Have a branch lead here, or remove it.")
    sight.check([by_id[id] for id in by_id if id in seen], by_id, entry, reader)
    return _time(parsed, {id: nodes[id] for id in nodes if id in seen}, by_id, reader)


def _by_id(drafts: Sequence[Draft], reader: Reader) -> dict[str, Draft]:
    """Blocks by id; one id for two things is a fault, be it a block's or a call's."""
    found: dict[str, Draft] = {}
    taken: set[str] = set()
    for draft in drafts:
        ids = [(draft.id, draft.path)]
        if draft.type == "parallel":
            ids += [(call.id, path) for call, path in zip(draft.calls, draft.call_paths, strict=True)]
        for id, path in ids:
            if id and id in taken:
                reader.fault(join(path, "id"), f"{show(id)} is there twice", "Give each block and call its own id.")
            taken.add(id)
        if draft.id:
            found.setdefault(draft.id, draft)
    return found


def _add_or_name(target: str, ids: Collection[str]) -> str:
    near = get_close_matches(target, ids, 1)
    return f"Add it, or write {show(near[0])}." if near else f"Add it, or name one of: {', '.join(list(ids)[:20])}."


def _node(draft: Draft, by_id: Mapping[str, Draft]) -> Node:
    edges = tuple((branch, target) for branch, target in draft.targets.items() if target in by_id)
    if draft.type == "callFlow":  # its onError is for a flow that could not be started, so no time is spent
        free = frozenset({"onError", EXHAUSTED})
        return Node(draft.id, draft.longest_ms, edges, draft.max_visits, free, ends=True)
    return Node(draft.id, draft.longest_ms, edges, draft.max_visits)


def _time(
    parsed: Parsed, nodes: Mapping[str, Node], by_id: Mapping[str, Draft], reader: Reader
) -> Longest | None:
    """The longest way; None where a flow runs in circles."""
    endless = False
    for circle in islice(circles(nodes), MAX_CIRCLES):
        endless = True
        ids = " → ".join([*circle, circle[0]])
        reader.fault(
            by_id[circle[0]].path, f"runs in a circle without a bound: {ids}",
            'Give one of its blocks "maxVisits" and "onExhausted".')
    if endless:
        return None
    bounded = [id for id, node in nodes.items() if node.max_visits]
    if len(bounded) > MAX_BOUNDED:
        reader.fault(
            by_id[bounded[MAX_BOUNDED]].path,
            f"is one of {len(bounded)} blocks with maxVisits, more than {MAX_BOUNDED}",
            "Bound fewer blocks, or use retry.")
        return None
    way = longest(nodes, parsed.drafts[0].id)
    if way is None:
        reader.fault("$.blocks", "has too many ways through its circles to look at", "Lower maxVisits, or use retry.")
    elif way.ms > parsed.sla_ms:
        reader.fault(
            "$.slaMs", f"timeouts add up to {way.ms} ms, more than slaMs {parsed.sla_ms}, on this path: {way}",
            f"Shorten timeouts on this path by {way.ms - parsed.sla_ms} ms together, or raise slaMs.")
    return way
