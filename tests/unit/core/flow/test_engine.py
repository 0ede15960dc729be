"""The engine alone, driven by hand: what it asks for, in which order, and that nothing else decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pysandbox.core.errors import INFO, Code, SandboxError, Status
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.effects import Effect, End, FindQueue, Invoke, Pause, Result, Send, Start
from pysandbox.core.flow.engine import execute
from pysandbox.core.flow.explain import explain
from pysandbox.core.flow.journal import dump_journal, parse_journal, replay, resume
from pysandbox.core.outcome import Outcome, failure

BRANCHES = {"onSuccess": "say", "onTimeout": "wait", "onError": "wait"}
FLOW = parse_flow({"name": "day", "slaMs": 3000, "blocks": [
    {"id": "ask", "type": "invokePlugin", "pluginId": "com.vendor.risk", "handler": "evaluate", "timeout": 2000,
     "payload": {"id": "{{interaction.id}}"}, **BRANCHES},
    {"id": "wait", "type": "wait", "ms": 100, "next": "say"},
    {"id": "say", "type": "sendMessage", "text": "Hello", "next": "end"},
    {"id": "end", "type": "routeToQueue", "queueId": "q", "metadata": {"why": '{{ask.errorCode | default: "none"}}'}}]})
START = Start("cid", 5.0, {"interaction": {"id": "c-1"}}, {"com.vendor.risk": "com.vendor.risk@1.2.3"})
OK = Outcome(Status.OK, value='{"score": 3}', generation=4)
LATE = failure(SandboxError(Code.PLUGIN_TIMEOUT), generation=4, correlation_id="inv-1")


def driven(answers: Sequence[Result]) -> list[Effect]:
    """Every effect of a run that is answered so."""
    steps = execute(FLOW, START)
    return [next(steps), *(steps.send(answer) for answer in answers)]


def journal_of(effects: Sequence[Effect]) -> list[Any]:
    return [event for effect in effects for event in effect.events]


GOOD = [Result(150.0, (OK,)), Result(160.0, (OK,)), Result(161.0, (OK,))]
TIMEOUT = [Result(2000.0, (LATE,)), Result(2100.0), Result(2110.0, (OK,)), Result(2111.0, (OK,))]


def test_a_run_asks_for_one_thing_after_the_other_and_ends() -> None:
    assert [type(effect) for effect in driven(GOOD)] == [Invoke, Send, FindQueue, End]
    assert [type(effect) for effect in driven(TIMEOUT)] == [Invoke, Pause, Send, FindQueue, End]


def test_a_call_says_what_is_called_with_what_and_until_when() -> None:
    ask = driven([])[0]
    assert isinstance(ask, Invoke)
    [call] = ask.calls
    assert (call.plugin, call.handler, json.loads(call.payload)) == ("com.vendor.risk@1.2.3", "evaluate", {"id": "c-1"})
    assert (ask.until_ms, call.correlation_id) == (2000.0, "cid.1")


def test_intent_comes_with_its_effect_and_the_end_with_the_next() -> None:
    effects = driven(TIMEOUT)
    assert [[event["event"] for event in effect.events] for effect in effects] == [
        ["flowStarted", "blockStarted"], ["blockEnded", "blockStarted"], ["blockEnded", "blockStarted"],
        ["blockEnded"], ["flowEnded"]]
    assert [event["n"] for event in journal_of(effects)] == list(range(8))


def test_the_ending_says_it_all() -> None:
    end = driven(TIMEOUT)[-1]
    assert isinstance(end, End)
    told = end.ending.as_json()
    assert (told["block"], told["queueId"], told["metadata"]) == ("end", "q", {"why": "PLUGIN_TIMEOUT"})
    assert (told["durationMs"], told["slaMs"], told["withinSla"]) == (2111.0, 3000, True)


def test_time_is_cut_at_the_deadline() -> None:
    wait = driven([Result(2950.0, (LATE,))])[1]
    assert isinstance(wait, Pause)
    assert wait.until_ms == 3000.0


def test_the_status_is_the_codes_whatever_an_outcome_says() -> None:
    odd = Outcome(Status.TIMEOUT, error=SandboxError(Code.PLUGIN_KILLED))
    assert driven([Result(1.0, (odd,))])[1].events[0]["branch"] == "onError"


@pytest.mark.parametrize("answers", [GOOD, TIMEOUT])
def test_replay_writes_the_same_journal(answers: list[Result]) -> None:
    journal = journal_of(driven(answers))
    read = parse_journal(dump_journal(journal))
    assert read == journal
    assert replay(FLOW, read) == journal
    for count in range(1, len(journal)):
        assert replay(FLOW, journal[:count])[:count] == journal[:count]


def test_a_block_that_had_begun_goes_to_its_on_error() -> None:
    journal = journal_of(driven(GOOD))[:2]
    resumed = resume(FLOW, journal, now_ms=5.0 + 700)
    assert isinstance(resumed.effect, Pause)
    ended = resumed.effect.events[0]
    assert (ended["branch"], ended["outcome"]["errorCode"], ended["atMs"]) == ("onError", "INTERRUPTED", 700.0)


def test_a_run_that_had_ended_has_nothing_left_to_do() -> None:
    journal = journal_of(driven(GOOD))
    resumed = resume(FLOW, journal, now_ms=9e9)
    assert isinstance(resumed.effect, End)
    assert resumed.effect.events == ()


@pytest.mark.parametrize("damage", [
    {"digest": "sha256:0"}, {"format": 2}, {"data": 5}, {"data": {"other": 1}}, {"pins": 5}, {"startedMs": "now"},
    {"event": "blockEnded"}, {"correlationId": "other"}])
def test_a_start_that_is_not_this_flows_is_refused(damage: dict[str, Any]) -> None:
    journal = journal_of(driven(GOOD))
    with pytest.raises(SandboxError) as caught:
        replay(FLOW, [{**journal[0], **damage}, *journal[1:]])
    assert caught.value.code == Code.JOURNAL_INVALID


@pytest.mark.parametrize(("at", "damage"), [
    (1, {"untilMs": 9}), (2, {"outcome": {}}), (2, {"outcome": {"errorCode": "NONE", "message": ""}}),
    (2, {"outcome": 5}), (2, {"atMs": 9}), (2, {"branch": "onError"}), (5, {"queueId": "other"}),
    (5, {"errorCode": "NONE"}), (2, {"outcome": {"status": "ok", "value": 4}})])
def test_a_journal_that_was_changed_is_refused(at: int, damage: dict[str, Any]) -> None:
    journal = journal_of(driven(GOOD))
    with pytest.raises(SandboxError) as caught:
        replay(FLOW, [*journal[:at], {**journal[at], **damage}, *journal[at + 1:]])
    assert caught.value.code == Code.JOURNAL_INVALID


def test_nothing_may_come_after_the_end() -> None:
    journal = journal_of(driven(GOOD))
    with pytest.raises(SandboxError) as caught:
        replay(FLOW, [*journal, {**journal[-1], "n": len(journal)}])
    assert "after the end" in caught.value.message


@pytest.mark.parametrize("line", ['{"n":1,"atMs":0,"event":"x"}', '{"n":0,"event":"x"}', "[]", "x", '{"n":0,"n":0}',
                                  '{"n":true,"atMs":0,"event":"x"}', '{"n":0,"atMs":true,"event":"x"}'])
def test_what_is_no_journal_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(SandboxError) as caught:
        parse_journal(f"\n{line}\n")
    assert caught.value.code == Code.JOURNAL_INVALID


@pytest.mark.parametrize("count", range(8))
def test_any_part_of_a_journal_can_be_explained(count: int) -> None:
    journal = journal_of(driven(TIMEOUT))[:count]
    lines = explain(journal)
    assert len(lines) == count + (count < 8)
    assert all(line.text for line in lines)


def test_what_the_steps_of_a_run_are_called() -> None:
    why = INFO[Code.PLUGIN_TIMEOUT].meaning
    assert [line.text for line in explain(journal_of(driven(TIMEOUT)))] == [
        "day began; it has 3000 ms; plugins: com.vendor.risk@1.2.3",
        "ask calls com.vendor.risk@1.2.3, until 2000.0 ms at most",
        f"ask ended as timeout PLUGIN_TIMEOUT after 2000.0 ms ({why}); onTimeout: on to wait",
        "wait began, until 2100.0 ms at most", "wait; next: on to say", "say began, until 2350.0 ms at most",
        "say succeeded; next: on to end", "ended in end: queue q, after 2111.0 of 3000 ms"]
