"""What each block does in a run: retry, parallel, decisions, data, waits, messages, other flows, circles, queues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pysandbox.core.errors import Code
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.driver import run_flow
from pysandbox.core.flow.effects import Ending
from pysandbox.core.flow.journal import replay
from tests.unit.core.flow.places import Behaviour, Place, answers, fails, hangs, in_turn, run

QUEUES = [{"id": id, "type": "routeToQueue", "queueId": id} for id in ("good", "bad")]
BRANCHES = {"onSuccess": "good", "onTimeout": "bad", "onError": "bad"}
RISK = {"pluginId": "com.vendor.risk"}


def ends(
    blocks: list[dict[str, Any]], place: Place, *, flows: Mapping[str, Any] | None = None, sla_ms: int = 5000,
    data: Mapping[str, object] | None = None,
) -> Ending:  # fmt: skip
    """Run the blocks, and prove that the journal replays as the same."""
    flow = parse_flow({"slaMs": sla_ms, "blocks": blocks})
    called = {name: parse_flow(other) for name, other in (flows or {}).items()}
    ran = run(run_flow(flow, data or {}, place, correlation_id="cid", flows=called))
    assert replay(flow, place.journal, flows=called) == place.journal
    assert [event["event"] for event in place.journal].count("flowEnded") == 1
    return ran.ending


# --- retry ---
def retry(**more: Any) -> dict[str, Any]:
    return {"id": "try", "type": "retry", **RISK, "timeout": 400, "attempts": 3, "delayMs": 100, "budgetMs": 1400,
            **BRANCHES, **more}  # fmt: skip


def test_what_trying_again_can_help_is_tried_again() -> None:
    place = Place(risk=in_turn(hangs, fails(Code.PLUGIN_KILLED, after_ms=10), answers("7")))
    end = ends([retry(), *QUEUES], place)
    assert (end.block, len(place.called)) == ("good", 3)
    assert end.duration_ms == pytest.approx(400 + 100 + 10 + 100, abs=2)
    assert [event["attempt"] for event in place.journal if event["event"] == "blockStarted"] == [1, 2, 3]
    assert place.journal[-2]["outcome"]["attempts"] == 3


def test_what_it_cannot_help_is_not() -> None:
    place = Place(risk=fails(Code.PLUGIN_ERROR))
    assert ends([retry(), *QUEUES], place).block == "bad"
    assert len(place.called) == 1


def test_attempts_are_bounded() -> None:
    place = Place(risk=fails(Code.PLUGIN_KILLED))
    assert ends([retry(), *QUEUES], place).block == "bad"
    assert len(place.called) == 3


def test_the_budget_bounds_attempts_and_delays_together() -> None:
    place = Place(risk=hangs)
    end = ends([retry(budgetMs=600), *QUEUES], place)
    assert len(place.called) == 2
    assert end.duration_ms == pytest.approx(600, abs=1)


# --- parallel ---
def parallel(join: str, timeout: int = 1000) -> dict[str, Any]:
    calls = [{"id": name, "pluginId": f"com.vendor.{name}"} for name in ("one", "two")]
    return {"id": "both", "type": "parallel", "join": join, "timeout": timeout, "calls": calls, **BRANCHES}


@pytest.mark.parametrize(("join", "one", "two", "block", "at_ms"), [
    ("all", answers("1", after_ms=100), answers("2", after_ms=200), "good", 200),
    ("all", answers("1", after_ms=100), fails(Code.PLUGIN_ERROR, after_ms=20), "bad", 20),
    ("all", answers("1", after_ms=100), hangs, "bad", 1000),
    ("first", answers("1", after_ms=100), answers("2", after_ms=50), "good", 50),
    ("first", fails(Code.PLUGIN_ERROR, after_ms=10), answers("2", after_ms=50), "good", 50),
    ("first", fails(Code.PLUGIN_ERROR, after_ms=10), fails(Code.PLUGIN_KILLED, after_ms=30), "bad", 30),
    ("first", fails(Code.PLUGIN_ERROR, after_ms=10), hangs, "bad", 1000)])
def test_calls_at_once(join: str, one: Behaviour, two: Behaviour, block: str, at_ms: float) -> None:
    end = ends([parallel(join), *QUEUES], Place(one=one, two=two))
    assert end.block == block
    assert end.duration_ms == pytest.approx(at_ms, abs=1)


def test_all_has_every_value_and_first_says_who_won() -> None:
    queue = {**QUEUES[0], "metadata": {"all": "{{both.value}}", "one": "{{one.value}}", "who": "{{both.winner}}"}}
    assert ends([parallel("all"), queue, QUEUES[1]], Place(one=answers("1"), two=answers("[2]"))).metadata == {
        "all": {"one": 1, "two": [2]}, "one": 1, "who": None}
    end = ends([parallel("first"), queue, QUEUES[1]], Place(one=answers("1", after_ms=9), two=answers("[2]")))
    assert end.metadata == {"all": [2], "one": None, "who": "two"}


def test_the_one_that_was_given_up_is_cancelled() -> None:
    stopped: list[str] = []

    async def notices(_call: object, _timeout_ms: float) -> Any:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.append("one")
            raise

    ends([parallel("first"), *QUEUES], Place(one=notices, two=answers("2", after_ms=5)))
    assert stopped == ["one"]


def test_a_failure_is_the_summarys_by_its_plugin() -> None:
    end = ends([parallel("all"), *QUEUES], Place(one=answers(), two=fails(Code.PLUGIN_KILLED)))
    assert [failure["plugin"] for failure in end.summary["failures"]] == ["com.vendor.two"]


# --- decision and data ---
@pytest.mark.parametrize(("condition", "holds"), [
    ({"value": "{{session.tier}}", "equals": "gold"}, True),
    ({"value": "{{session.tier}}", "notEquals": "gold"}, False),
    ({"value": "{{session.n}}", "equals": 5.0}, True), ({"value": "{{session.yes}}", "equals": 1}, False),
    ({"value": "{{session.n}}", "greaterThan": 4}, True), ({"value": "{{session.n}}", "atLeast": 5}, True),
    ({"value": "{{session.n}}", "lessThan": 5}, False), ({"value": "{{session.n}}", "atMost": 4.5}, False),
    ({"value": "{{session.tier}}", "lessThan": "h"}, True), ({"value": "{{session.tier}}", "contains": "ol"}, True),
    ({"value": "{{session.list}}", "contains": 2}, True), ({"value": "{{session.n}}", "in": [4, 5]}, True),
    ({"value": "{{session.n}}", "in": "12345"}, False), ({"value": "{{session.list}}", "equals": [1, 2]}, True),
    ({"value": "{{session.deep}}", "equals": {"a": [True]}}, True),
    ({"value": "{{session.deep}}", "equals": {"a": [1]}}, False),
    ({"value": "{{session.none}}", "exists": False}, True), ({"value": "{{session.null}}", "exists": True}, True),
    ({"not": {"value": "{{session.n}}", "equals": 5}}, False),
    ({"all": [{"value": "{{session.n}}", "equals": 5}, {"value": "{{session.tier}}", "equals": "gold"}]}, True),
    ({"any": [{"value": "{{session.n}}", "equals": 4}, {"value": "{{session.tier}}", "equals": "tin"}]}, False),
    ({"value": "{{session.none | default: 3}}", "atLeast": 3}, True),
    # What cannot be compared holds for nobody, its contrary included.
    ({"value": "{{session.none}}", "equals": 1}, False), ({"not": {"value": "{{session.none}}", "equals": 1}}, False),
    ({"value": "{{session.n}}", "greaterThan": "4"}, False), ({"value": "{{session.yes}}", "atLeast": 0}, False),
    ({"value": "{{session.n}}", "contains": 5}, False)])
def test_comparisons(condition: dict[str, Any], holds: bool) -> None:
    session = {"tier": "gold", "n": 5, "yes": True, "list": [1, 2], "deep": {"a": [True]}, "null": None}
    choose = {"id": "choose", "type": "decision", "rules": [{"when": condition, "then": "good"}], "otherwise": "bad"}
    assert ends([choose, *QUEUES], Place(), data={"session": session}).block == ("good" if holds else "bad")


def test_the_first_rule_that_holds_decides() -> None:
    said = ((2, "bad"), (1, "good"), (1, "bad"))
    rules = [{"when": {"value": 1, "equals": value}, "then": then} for value, then in said]
    choose = {"id": "choose", "type": "decision", "rules": rules, "otherwise": "bad"}
    assert ends([choose, *QUEUES], Place()).block == "good"


def test_data_is_set_and_keeps_its_type() -> None:
    blocks = [
        {"id": "keep", "type": "setData", "set": {"points": "{{session.points}}", "text": "p={{session.points}}"},
         "next": "good", "onError": "bad"},
        {**QUEUES[0], "metadata": {"points": "{{data.points}}", "text": "{{data.text}}", "all": "{{data}}"}}, QUEUES[1]]
    end = ends(blocks, Place(), data={"session": {"points": [1, 2.5]}})
    assert end.block == "bad"
    end = ends(blocks, Place(), data={"session": {"points": 3}})
    assert end.metadata == {"points": 3, "text": "p=3", "all": {"points": 3, "text": "p=3"}}


def test_data_cannot_come_to_hold_itself() -> None:
    keep = {"id": "keep", "type": "setData", "set": {"all": "{{data}}"}, "next": "again", "maxVisits": 3,
            "onExhausted": "good", "onError": "bad"}  # fmt: skip
    again = {"id": "again", "type": "wait", "ms": 1, "next": "keep"}
    end = ends([keep, again, {**QUEUES[0], "metadata": {"all": "{{data}}"}}, QUEUES[1]], Place())
    assert end.metadata == {"all": {"all": {"all": {"all": {}}}}}


# --- waits, messages ---
def test_a_wait_takes_its_time_and_no_more() -> None:
    end = ends([{"id": "wait", "type": "wait", "ms": 750, "next": "good"}, QUEUES[0]], Place())
    assert end.duration_ms == pytest.approx(750, abs=1)


def test_a_message_is_handed_over() -> None:
    place = Place()
    say = {"id": "say", "type": "sendMessage", "text": "Hello {{interaction.name}}", "to": "agent", "next": "good",
           "onError": "bad"}  # fmt: skip
    assert ends([say, *QUEUES], place, data={"interaction": {"name": "{{session}} <b>"}}).block == "good"
    assert place.sent == [("agent", "Hello {{session}} <b>")]


def test_a_message_that_hangs_takes_no_longer_than_its_time() -> None:
    place = Place()

    async def hang(_to: str, _text: str) -> None:
        await asyncio.sleep(3600)

    place.send_message = hang  # type: ignore[method-assign]
    say = {"id": "say", "type": "sendMessage", "text": "Hello", "next": "good"}
    end = ends([say, QUEUES[0]], place)
    assert end.duration_ms == pytest.approx(250, abs=1)
    assert end.summary["failures"][0]["errorCode"] == Code.MESSAGE_NOT_SENT


# --- other flows, circles, queues ---
OTHER = {"name": "night", "slaMs": 2000, "blocks": [
    {"id": "ask", "type": "invokePlugin", **RISK, "timeout": 1500, "payload": {"who": "{{input.who}}"},
     "onSuccess": "end", "onTimeout": "end", "onError": "end"},
    {"id": "end", "type": "disconnect", "reason": "{{ask.status}}"}]}


def call(**more: Any) -> list[dict[str, Any]]:
    return [{"id": "on", "type": "callFlow", "flowId": "night", "timeout": 1800, "input": {"who": "{{session.who}}"},
             "onError": "bad", **more}, QUEUES[1]]  # fmt: skip


def test_another_flow_ends_the_interaction() -> None:
    place = Place(risk=answers())
    end = ends(call(), place, flows={"night": OTHER}, data={"session": {"who": "c-1"}})
    assert (end.flow, end.block, end.reason) == ("night", "end", "ok")
    assert json.loads(place.called[0].payload) == {"who": "c-1"}


def test_the_other_flow_has_no_more_time_than_it_is_given() -> None:
    end = ends(call(timeout=700), Place(risk=hangs), flows={"night": OTHER}, data={"session": {"who": "c-1"}})
    assert (end.block, end.reason) == ("end", "timeout")
    assert end.duration_ms == pytest.approx(700, abs=1)


def test_a_flow_that_is_not_there_is_no_exception() -> None:
    end = ends(call(), Place(), data={"session": {"who": "c-1"}})
    assert end.block == "bad"
    assert end.summary["failures"][0]["errorCode"] == Code.FLOW_NOT_FOUND


def test_flows_that_call_each_other_come_to_an_end() -> None:
    circle = {"blocks": [{"id": "on", "type": "callFlow", "flowId": "night", "timeout": 100, "onError": "end"},
                         {"id": "end", "type": "disconnect"}]}  # fmt: skip
    place = Place()
    assert ends(circle["blocks"], place, flows={"night": circle}).block == "end"
    assert [event["event"] for event in place.journal].count("flowCalled") == 8


def test_a_circle_is_left_when_its_bound_is_reached() -> None:
    place = Place(risk=fails(Code.PLUGIN_ERROR))
    ask = {"id": "ask", "type": "invokePlugin", **RISK, "timeout": 100, "onSuccess": "good", "onTimeout": "pause",
           "onError": "pause"}  # fmt: skip
    pause = {"id": "pause", "type": "wait", "ms": 50, "next": "ask", "maxVisits": 3, "onExhausted": "bad"}
    end = ends([ask, pause, *QUEUES], place)
    assert (end.block, len(place.called)) == ("bad", 4)
    assert end.duration_ms == pytest.approx(150, abs=1)


def test_a_queue_that_is_not_known_has_its_branch() -> None:
    other = {**QUEUES[0], "onError": "bad"}
    end = ends([other, QUEUES[1]], Place(queues=["bad"]))
    assert (end.block, end.error_code) == ("bad", "")
    assert end.summary["failures"][0]["errorCode"] == Code.QUEUE_NOT_FOUND


def test_without_a_branch_the_ending_says_so() -> None:
    end = ends([QUEUES[0]], Place(queues=[]))
    assert (end.block, end.queue_id, end.error_code) == ("good", "good", "QUEUE_NOT_FOUND")


def test_a_queue_can_be_looked_up() -> None:
    route = {"id": "route", "type": "routeToQueue", "queueId": "{{session.queue}}", "onError": "bad"}
    assert ends([route, QUEUES[1]], Place(), data={"session": {"queue": "vip"}}).queue_id == "vip"
    assert ends([route, QUEUES[1]], Place(), data={"session": {"queue": ["vip"]}}).block == "bad"
    assert ends([route, QUEUES[1]], Place()).block == "bad"


# --- templates in what is called and told ---
def test_a_payload_without_its_value_is_not_sent() -> None:
    place = Place(risk=answers())
    ask = {"id": "ask", "type": "invokePlugin", **RISK, "timeout": 100, "payload": {"id": "{{session.id}}"}, **BRANCHES}
    end = ends([ask, *QUEUES], place)
    assert (end.block, place.called) == ("bad", [])
    assert end.summary["failures"][0]["errorCode"] == Code.TEMPLATE_FAILED


def test_metadata_without_its_value_is_null_and_listed() -> None:
    queue = {**QUEUES[0], "metadata": {"a": "{{session.a}}", "b": "{{session.b}}"}}
    end = ends([queue], Place(), data={"session": {"b": 2}})
    assert (end.metadata, end.unresolved) == ({"a": None, "b": 2}, ("a",))


@pytest.mark.parametrize(("value", "code"), [
    ('"' + "x" * 70_000 + '"', Code.MESSAGE_LIMIT), ("{", Code.RESULT_NOT_JSON), ("NaN", Code.RESULT_NOT_JSON),
    ('{"a":1,"a":2}', Code.RESULT_NOT_JSON), ("[" * 2000, Code.MESSAGE_LIMIT)])
def test_a_value_that_no_flow_can_carry_is_an_error(value: str, code: Code) -> None:
    ask = {"id": "ask", "type": "invokePlugin", **RISK, "timeout": 100, **BRANCHES}
    end = ends([ask, *QUEUES], Place(risk=answers(value)))
    assert end.summary["failures"][0]["errorCode"] == code
