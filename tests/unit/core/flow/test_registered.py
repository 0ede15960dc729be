"""A flow against what is registered: unknown plugins, handlers, queues and flows, and who may choose a queue."""

from __future__ import annotations

from typing import Any

import pytest

from pysandbox.core.flow.check import check_flow, parse_flow
from pysandbox.core.flow.registered import MAY_ROUTE, PluginView, View

RISK = {"pluginId": "com.vendor.risk"}
ENDS = [{"id": id, "type": "routeToQueue", "queueId": id} for id in ("good", "bad")]
BRANCHES = {"onSuccess": "good", "onTimeout": "bad", "onError": "bad"}
ASK = {"id": "ask", "type": "invokePlugin", **RISK, "timeout": 100, **BRANCHES}


def faults(blocks: list[dict[str, Any]], view: View, **more: Any) -> list[tuple[str, str]]:
    return [(problem.path, problem.rule) for problem in check_flow({**more, "blocks": blocks}, view).problems]


def known(*permissions: str, handlers: tuple[str, ...] | None = None) -> View:
    return View(plugins={"com.vendor.risk": PluginView(permissions, handlers)})


def test_what_nobody_knows_is_no_fault() -> None:
    assert faults([ASK, *ENDS], View()) == []


def test_a_plugin_that_is_not_registered() -> None:
    assert faults([ASK, *ENDS], View(plugins={})) == [
        ("$.blocks[0].pluginId", 'no enabled plugin "com.vendor.risk" is known')]
    assert faults([{**ASK, "pluginId": "com.vendor.risk@1.0.0"}, *ENDS], known())[0][0] == "$.blocks[0].pluginId"
    assert faults([ASK, *ENDS], known()) == []


@pytest.mark.parametrize(("handler", "handlers", "rules"), [
    ("", ("evaluate",), []), ("evaluate", ("evaluate", "other"), []), ("", ("a", "b"), ["is missing"]),
    ("", (), ["is missing"]), ("c", ("a", "b"), ['the plugin has no handler "c"']), ("c", None, [])])
def test_the_handler_must_be_clear(handler: str, handlers: tuple[str, ...] | None, rules: list[str]) -> None:
    block = {**ASK, "handler": handler} if handler else ASK
    found = faults([block, *ENDS], known(handlers=handlers))
    assert found == [("$.blocks[0].handler", rule) for rule in rules]


def test_a_queue_that_is_not_known() -> None:
    view = View(queues={"good"})
    assert faults([ASK, *ENDS], view) == [("$.blocks[2].queueId", 'no queue "bad" is known')]
    looked_up = {**ENDS[0], "queueId": "{{session.queue}}", "onError": "bad"}
    assert faults([ASK, looked_up, ENDS[1]], View(queues={"bad"})) == []


# --- other flows ---
NIGHT = parse_flow({"name": "night", "slaMs": 900, "blocks": [{**ASK, "timeout": 800}, *ENDS]})
BACK = parse_flow({"blocks": [
    {"id": "on", "type": "callFlow", "flowId": "day", "timeout": 100, "onError": "good"}, ENDS[0]]})


def hand_on(flow_id: str, timeout: int = 1000) -> list[dict[str, Any]]:
    return [{"id": "on", "type": "callFlow", "flowId": flow_id, "timeout": timeout, "onError": "good"}, ENDS[0]]


def test_another_flow_must_be_there_and_fit_its_time() -> None:
    view = View(flows={"night": NIGHT})
    assert faults(hand_on("night"), view) == []
    assert faults(hand_on("none"), view) == [("$.blocks[0].flowId", 'no flow "none" is known')]
    assert faults(hand_on("night", 700), view) == [("$.blocks[0].timeout", "night can take 800 ms, more than 700")]


def test_flows_must_not_lead_back() -> None:
    view = View(flows={"back": BACK, "day": BACK})
    assert faults(hand_on("back"), view, name="day") == [("$.blocks[0].flowId", 'leads back to this flow, "day"')]
    assert faults(hand_on("back"), view, name="other") == []


# --- who may choose a queue ---
def routed(queue_id: str) -> dict[str, Any]:
    return {"id": "good", "type": "routeToQueue", "queueId": queue_id, "onError": "bad"}


def decided(value: str, then: str = "good") -> dict[str, Any]:
    rules = [{"when": {"value": value, "atLeast": 5}, "then": then}]
    return {"id": "choose", "type": "decision", "rules": rules, "otherwise": "bad"}


KEEP = {"id": "keep", "type": "setData", "set": {"q": "{{ask.value.q}}"}, "next": "copy", "onError": "bad"}
COPY = {"id": "copy", "type": "setData", "set": {"r": "x-{{data.q}}"}, "next": "good", "onError": "bad"}
CHOOSING = {
    "by its name": ([ASK, routed("{{ask.value.queue}}"), ENDS[1]], "$.blocks[1].queueId"),
    "by a decision": ([{**ASK, "onSuccess": "choose"}, decided("{{ask.value.score}}"), *ENDS],
                      "$.blocks[1].rules[0].when.value"),
    "by data that was set": ([{**ASK, "onSuccess": "keep"}, KEEP, COPY, routed("{{data.r}}"), ENDS[1]],
                             "$.blocks[3].queueId"),
    "by one of several calls": ([
        {"id": "all", "type": "parallel", "join": "all", "timeout": 100, "calls": [{"id": "one", **RISK}], **BRANCHES},
        routed("{{all.value.one.queue}}"), ENDS[1]], "$.blocks[1].queueId"),
    "by a retry": ([
        {**ASK, "type": "retry", "attempts": 2, "budgetMs": 200}, routed("{{ask.value}}"), ENDS[1]],
        "$.blocks[1].queueId"),
}  # fmt: skip


@pytest.mark.parametrize(("blocks", "path"), CHOOSING.values(), ids=CHOOSING)
def test_a_plugin_whose_result_chooses_a_queue_needs_the_permission(blocks: list[dict[str, Any]], path: str) -> None:
    assert faults(blocks, known("webchat:session:read")) == [
        (path, f"lets the result of com.vendor.risk choose a queue, and it lacks {MAY_ROUTE}")]
    assert faults(blocks, known(MAY_ROUTE)) == []


@pytest.mark.parametrize("blocks", [
    [ASK, *ENDS],  # whether it answered is not its result
    [{**ASK, "onSuccess": "choose"}, decided("{{ask.durationMs}}"), *ENDS],
    [{**ASK, "onSuccess": "choose"}, decided("{{session.score}}"), *ENDS],
    [{**ASK, "onSuccess": "choose", "onTimeout": "choose", "onError": "choose"}, decided("{{ask.value}}", "bad"),
     ENDS[1]]])
def test_what_chooses_no_queue_needs_none(blocks: list[dict[str, Any]]) -> None:
    assert faults(blocks, known()) == []
