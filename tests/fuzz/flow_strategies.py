"""Random flows that are valid, random plugins to run them with, and random damage."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pysandbox.core.errors import Code
from pysandbox.core.flow.check import check_flow
from pysandbox.core.flow.graph import Node, reachable
from tests.unit.core.flow.places import Behaviour, Place, answers, fails, hangs, in_turn, is_deaf, raises

PLUGINS = ("one", "two", "three")
TIMES = st.sampled_from([1, 7, 100, 250, 900])
PAYLOADS = st.sampled_from([
    {}, {"id": "{{interaction.id}}"}, {"id": "{{interaction.none}}"}, {"id": '{{session.none | default: "x"}}'},
    ["{{webchat}}", "a {{interaction.id}} b"], "{{summary.text}}"])
CODES = st.sampled_from([
    Code.PLUGIN_ERROR, Code.PLUGIN_KILLED, Code.PLUGIN_TIMEOUT, Code.PLUGIN_NOT_FOUND, Code.PERMISSION_DENIED])
VALUES = st.sampled_from(["null", "3", '{"a":[1]}', '"{{session}}"', "{", "NaN", '"' + "x" * 70_000 + '"'])
ONE = st.one_of(
    st.builds(lambda value, ms: answers(value, after_ms=ms), VALUES, TIMES),
    st.builds(lambda code, ms: fails(code, after_ms=ms), CODES, TIMES), st.sampled_from([hangs, is_deaf, raises]))
BEHAVIOURS = st.lists(ONE, min_size=1, max_size=4).map(lambda some: in_turn(*some))
CONDITIONS = st.sampled_from([
    {"value": "{{interaction.id}}", "equals": "c"}, {"value": "{{interaction.none}}", "equals": 1},
    {"value": "{{session.n}}", "atLeast": 5}, {"value": "{{webchat}}", "lessThan": 2}])


@dataclass(frozen=True)
class Case:
    """A valid flow, and how each plugin behaves."""

    flow: dict[str, Any]
    behaviours: dict[str, Behaviour]
    queues: tuple[str, ...] | None

    def place(self) -> Place:
        return Place(queues=self.queues, **self.behaviours)


@st.composite
def valid_flows(draw: st.DrawFn) -> dict[str, Any]:
    """Blocks lead on to later ones; those with a bound may lead back."""
    ends = draw(st.integers(1, 3))
    count = draw(st.integers(1, 9))
    ids = [f"b{index}" for index in range(count)] + [f"end{index}" for index in range(ends)]
    blocks = [_block(draw, index, ids) for index in range(count)]
    blocks += [_end(draw, ids, index) for index in range(count, count + ends)]
    blocks = _reachable(blocks)
    way = check_flow({"slaMs": 300_000, "blocks": blocks}).longest
    least = 1 if way is None else max(1, way.ms)
    return {"name": "random", "slaMs": draw(st.sampled_from([least, least + 50])), "blocks": blocks}


def _block(draw: st.DrawFn, index: int, ids: list[str]) -> dict[str, Any]:
    later = st.sampled_from(ids[index + 1:])
    bounded = draw(st.booleans()) and index > 0
    anywhere = st.sampled_from(ids[1:]) if bounded else later
    kind = draw(st.sampled_from(["invokePlugin", "retry", "parallel", "decision", "setData", "wait", "sendMessage"]))
    block: dict[str, Any] = {"id": ids[index], "type": kind}
    if bounded:
        block |= {"maxVisits": draw(st.integers(1, 2)), "onExhausted": draw(later)}
    call = {"pluginId": f"com.vendor.{draw(st.sampled_from(PLUGINS))}", "payload": draw(PAYLOADS)}
    branches = {name: draw(anywhere) for name in ("onSuccess", "onTimeout", "onError")}
    if kind == "parallel":
        calls = [{"id": f"{ids[index]}_{name}", "pluginId": f"com.vendor.{name}", "payload": draw(PAYLOADS)}
                 for name in draw(st.lists(st.sampled_from(PLUGINS), min_size=1, unique=True))]  # fmt: skip
        join = draw(st.sampled_from(["all", "first"]))
        return {**block, "calls": calls, "join": join, "timeout": draw(TIMES), **branches}
    if kind == "retry":
        return {**block, **call, "timeout": draw(TIMES), "attempts": draw(st.integers(2, 4)),
                "delayMs": draw(st.sampled_from([0, 10])), "budgetMs": draw(TIMES), **branches}  # fmt: skip
    if kind == "decision":
        rules = [{"when": draw(CONDITIONS), "then": draw(anywhere)} for _ in range(draw(st.integers(1, 2)))]
        return {**block, "rules": rules, "otherwise": draw(anywhere)}
    return block | {
        "invokePlugin": {**call, "timeout": draw(TIMES), **branches},
        "setData": {"set": {"x": draw(PAYLOADS), "y": "{{data}}"}, "next": draw(anywhere), "onError": draw(later)},
        "wait": {"ms": draw(TIMES), "next": draw(anywhere)},
        "sendMessage": {"text": "hello", "timeout": draw(TIMES), "next": draw(anywhere)},
    }[kind]


def _end(draw: st.DrawFn, ids: list[str], index: int) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"id": ids[index], "type": "disconnect", "reason": "{{summary.text}}"}
    end: dict[str, Any] = {"id": ids[index], "type": "routeToQueue", "queueId": draw(st.sampled_from(["q", "other"])),
                           "metadata": {"x": draw(PAYLOADS), "why": "{{summary.failures}}"}}  # fmt: skip
    if index + 1 < len(ids) and draw(st.booleans()):
        end["onError"] = ids[index + 1]
    return end


def targets_of(block: dict[str, Any]) -> list[str]:
    own = ("onSuccess", "onTimeout", "onError", "next", "otherwise", "onExhausted")
    return [block[name] for name in own if name in block] + [rule["then"] for rule in block.get("rules", ())]


def _reachable(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    nodes = {block["id"]: Node(block["id"], 0, tuple(("", to) for to in targets_of(block))) for block in blocks}
    seen = reachable(nodes, blocks[0]["id"])
    return [block for block in blocks if block["id"] in seen]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    behaviours = {name: draw(BEHAVIOURS) for name in PLUGINS}
    return Case(draw(valid_flows()), behaviours, draw(st.sampled_from([None, ("q",), ()])))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from([
        "{{", "{{a.b}}", "{{data.x}}", "b0", "end0", "invokePlugin", "{{b0.value | default: [}}", "b99"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=6) | st.sampled_from(["id", "type", "next", "value", "equals", "all"]), inner, max_size=3),
    max_leaves=5)


@st.composite
def damaged_flows(draw: st.DrawFn) -> dict[str, Any]:
    """A valid flow with a few of its members replaced, removed or added."""
    flow = deepcopy(draw(valid_flows()))  # what is drawn shares parts with other draws
    for _ in range(draw(st.integers(1, 4))):
        _damage(draw, flow)
    return flow


def _damage(draw: st.DrawFn, node: Any) -> None:
    """Go down a random way, and break what is there."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], (dict, list)) and draw(st.integers(0, 3)):
            node = node[key]
            continue
        how = draw(st.sampled_from(["replace", "remove", "add", "copy"]))
        if how == "replace":
            node[key] = draw(JUNK)
        elif how == "remove":
            del node[key]
        elif how == "add" and isinstance(node, dict):
            node[draw(st.text(max_size=6))] = draw(JUNK)
        elif how == "copy" and isinstance(node, list):
            node.append(node[key])
        return
