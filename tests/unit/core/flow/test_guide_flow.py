"""The guide's flow, as printed and completed: what it says when checked, and each way that it can end."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from pysandbox.core.errors import Code
from pysandbox.core.flow.check import check_flow, parse_flow
from pysandbox.core.flow.driver import Ran, run_flow
from pysandbox.core.flow.journal import dump_journal, parse_journal, replay
from tests.unit.core.flow.places import Behaviour, Place, answers, fails, hangs, is_deaf, raises, run

PRINTED: dict[str, Any] = json.loads("""{
  "blocks": [
    {
      "id": "invoke_plugin_risk",
      "type": "invokePlugin",
      "pluginId": "com.vendor.risk-scoring",
      "timeout": 2500,
      "onSuccess": "route_to_premium_queue",
      "onTimeout": "fallback_to_standard_queue",
      "onError": "fallback_to_standard_queue",
      "payload": {
        "customerId": "{{interaction.customer.id}}",
        "sessionId": "{{webchat.session.id}}"
      }
    },
    {
      "id": "fallback_to_standard_queue",
      "type": "routeToQueue",
      "queueId": "default_support_queue",
      "metadata": {
        "pluginFailureReason": "{{invoke_plugin_risk.errorCode}}",
        "fallbackTriggered": "true"
      }
    }
  ]
}""")
PREMIUM = {"id": "route_to_premium_queue", "type": "routeToQueue", "queueId": "premium_queue"}
DATA = {"interaction": {"customer": {"id": "c-1"}}, "webchat": {"session": {"id": "s-1"}}}
PINS = {"com.vendor.risk-scoring": "com.vendor.risk-scoring@2.1.0"}


def completed() -> dict[str, Any]:
    flow = deepcopy(PRINTED)
    flow["blocks"].append(dict(PREMIUM))
    return flow


def ran(behaviour: Behaviour, place: Place | None = None) -> tuple[Ran, Place]:
    place = place or Place()
    place.plugins["risk-scoring"] = behaviour
    return run(run_flow(parse_flow(completed()), DATA, place, correlation_id="cid", pins=PINS)), place


def test_as_printed_it_lacks_one_block_and_that_is_all() -> None:
    found = check_flow(PRINTED)
    assert [(problem.path, problem.rule) for problem in found.problems] == [
        ("$.blocks[0].onSuccess", 'there is no block "route_to_premium_queue"')]
    assert found.problems[0].cure
    assert found.flow is None


def test_completed_it_is_valid_and_its_longest_way_is_its_timeout() -> None:
    found = check_flow(json.dumps(completed()).encode())
    assert found.problems == []
    assert found.longest is not None
    assert found.longest.ms == 2500
    assert found.flow is not None
    assert (found.flow.sla_ms, found.flow.entry, found.flow.worst_ms) == (5000, "invoke_plugin_risk", 2500)


def test_success_goes_to_the_premium_queue() -> None:
    end, place = ran(answers('{"score": 3}', after_ms=100))
    assert (end.ending.block, end.ending.queue_id) == ("route_to_premium_queue", "premium_queue")
    assert end.ending.summary == {"text": "", "fallbackTriggered": False, "failures": []}
    call = place.called[0]
    assert (call.plugin, call.handler) == ("com.vendor.risk-scoring@2.1.0", "")
    assert json.loads(call.payload) == {"customerId": "c-1", "sessionId": "s-1"}


@pytest.mark.parametrize(("behaviour", "code", "at_ms"), [
    (hangs, Code.PLUGIN_TIMEOUT, 2500), (is_deaf, Code.PLUGIN_TIMEOUT, 2500),
    (fails(Code.PLUGIN_TIMEOUT, after_ms=2400), Code.PLUGIN_TIMEOUT, 2400),
    (fails(Code.PLUGIN_ERROR, after_ms=10), Code.PLUGIN_ERROR, 10),
    (fails(Code.PLUGIN_KILLED, after_ms=10), Code.PLUGIN_KILLED, 10),
    (fails(Code.PLUGIN_CRASH_LOOP), Code.PLUGIN_CRASH_LOOP, 0), (raises, Code.INTERNAL_ERROR, 0)])
def test_each_failure_fills_in_the_metadata_that_the_guide_shows(
    behaviour: Behaviour, code: Code, at_ms: float
) -> None:
    end, place = ran(behaviour)
    ending = end.ending
    assert (ending.block, ending.queue_id) == ("fallback_to_standard_queue", "default_support_queue")
    assert ending.metadata == {"pluginFailureReason": code.value, "fallbackTriggered": "true"}
    assert ending.duration_ms == pytest.approx(at_ms, abs=1)
    assert ending.within_sla
    assert [event["event"] for event in place.journal] == ["flowStarted", "blockStarted", "blockEnded", "flowEnded"]


def test_the_fallback_captures_the_plugins_state_and_updates_the_summary() -> None:
    end, place = ran(fails(Code.PLUGIN_KILLED, after_ms=42, generation=7, correlation_id="inv-9"))
    state = {
        "status": "killed", "errorCode": "PLUGIN_KILLED", "durationMs": pytest.approx(42, abs=1), "generation": 7,
        "correlationId": "inv-9"}
    assert end.ending.summary["failures"] == [{
        "block": "invoke_plugin_risk", "plugin": "com.vendor.risk-scoring@2.1.0", "to": "fallback_to_standard_queue",
        **state}]
    assert end.ending.summary["fallbackTriggered"] is True
    assert "PLUGIN_KILLED" in str(end.ending.summary["text"])
    assert {name: place.journal[2]["outcome"][name] for name in state} == state


def test_what_a_port_raises_is_told_by_its_type_alone() -> None:
    _, place = ran(raises)
    assert "a secret" not in dump_journal(place.journal)
    assert place.journal[2]["outcome"]["message"] == "ValueError"


@pytest.mark.parametrize("behaviour", [answers('{"score": 3}', after_ms=100), hangs, fails(Code.PLUGIN_ERROR)])
def test_a_journal_that_was_written_and_read_replays_as_the_same(behaviour: Behaviour) -> None:
    _, place = ran(behaviour)
    journal = parse_journal(dump_journal(place.journal))
    assert replay(parse_flow(completed()), journal) == journal
