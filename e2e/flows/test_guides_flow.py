"""The guide's flow, completed with the block that it lacks, in a page: each way that it can go."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.flows.conftest import begin, flow, run
from e2e.kit.lab import PATIENCE_S, Lab
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.journal import replay

pytestmark = pytest.mark.one_engine  # it is Python in the host that is tested

TIMEOUT_MS = 2500
RUNS_BEFORE_REST = 5


def test_as_printed_it_is_refused_for_the_one_target_that_it_lacks(lab: Lab) -> None:
    told = run(lab, "c-1", of=flow("guide.json"))["rejected"]
    assert told["code"] == "FLOW_INVALID"
    assert [detail["path"] for detail in told["details"]] == ["$.blocks[0].onSuccess"]
    assert "route_to_premium_queue" in told["details"][0]["rule"]
    assert not lab.ask("() => lab.steps")


def test_a_score_leads_to_the_premium_queue(lab: Lab) -> None:
    ran = run(lab, "c-1")
    ending = ran["ending"]
    assert (ending["block"], ending["queueId"], ending["withinSla"]) == (
        "route_to_premium_queue", "premium_queue", True)
    assert not ending["summary"]["fallbackTriggered"]
    assert 0 <= ran["blocks"][0]["value"]["score"] <= 1
    assert ran["blocks"][0]["value"]["customerId"] == "c-1"
    assert lab.ask("() => lab.steps") == ran["journal"]
    assert replay(parse_flow(flow("risk.json")), ran["journal"]) == ran["journal"]


@pytest.mark.parametrize(("customer_id", "code", "branch"), [
    ("sleeps", "PLUGIN_TIMEOUT", "onTimeout"), ("spins", "PLUGIN_TIMEOUT", "onTimeout"),
    ("never lets go", "PLUGIN_TIMEOUT", "onTimeout"), ("raises", "PLUGIN_ERROR", "onError"),
    ("forges", "PLUGIN_KILLED", "onError"),
])  # fmt: skip
def test_what_fails_leads_to_the_fallback_with_the_metadata_filled_in(
    risky: Lab, customer_id: str, code: str, branch: str
) -> None:
    ran = run(risky, customer_id)
    _fell_back(ran, code)
    assert ran["blocks"][0]["branch"] == branch
    if code == "PLUGIN_TIMEOUT":
        assert ran["blocks"][0]["durationMs"] >= TIMEOUT_MS - 200, "the plugin has nearly all of the block's time"
    if code == "PLUGIN_KILLED":
        risky.wait_for_alerts()
    assert replay(parse_flow(flow("risk.json")), ran["journal"]) == ran["journal"]


def test_after_failures_in_a_row_the_plugin_is_left_alone(risky: Lab) -> None:
    for _ in range(RUNS_BEFORE_REST):
        _fell_back(run(risky, "raises"), "PLUGIN_ERROR")
    ran = run(risky, "c-1")
    _fell_back(ran, "BREAKER_OPEN")
    assert ran["blocks"][0]["branch"] == "onError"


def _fell_back(ran: dict[str, Any], code: str) -> None:
    assert "rejected" not in ran, ran
    ending = ran["ending"]
    assert (ending["block"], ending["queueId"]) == ("fallback_to_standard_queue", "default_support_queue")
    assert ending["metadata"] == {"pluginFailureReason": code, "fallbackTriggered": "true"}
    assert ending["summary"]["fallbackTriggered"]
    assert [event["event"] for event in ran["journal"]].count("flowEnded") == 1


def test_a_run_that_is_given_up_is_told_so_and_the_next_one_runs(risky: Lab) -> None:
    assert run(risky, "sleeps", abortAfterMs=1500)["rejected"]["code"] == "FLOW_ABORTED"
    ran = run(risky, "c-1")
    if ran["blocks"][0].get("errorCode") == "PLUGIN_KILLED":  # a busy machine: it did not end within the grace
        ran = run(risky, "c-1")
    assert ran["ending"]["queueId"] == "premium_queue"


def test_a_sandbox_that_is_closed_ends_its_runs(risky: Lab) -> None:
    ticket = begin(risky, "sleeps")
    risky.page.wait_for("lab.steps.length >= 2", timeout_s=PATIENCE_S)
    risky.close()
    assert risky.page.evaluate("(t) => lab.finish(t)", ticket)["rejected"]["code"] == "SESSION_CLOSED"
    assert run(risky, "c-1")["rejected"]["code"] == "SESSION_CLOSED"


def test_the_page_sends_and_routes_where_it_provides_that(risky: Lab) -> None:
    greets = {"blocks": [
        {"id": "hi", "type": "sendMessage", "text": "Hi {{interaction.customer.id | default: null}}", "next": "end"},
        {"id": "end", "type": "routeToQueue", "queueId": "q"},
    ]}  # fmt: skip
    ran = run(risky, "c-1", of=greets)
    assert ran["routed"] == {"status": "ok"}
    assert risky.ask("() => lab.provided") == [
        {"name": "webchat:message:send", "args": {"to": "customer", "text": "Hi c-1"}, "pluginId": ""},
        {"name": "webchat:queue:route", "args": ran["ending"], "pluginId": ""}]
