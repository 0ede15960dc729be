"""Unit tests of the plugin, as its vendor would write them: no browser, no network, no waiting."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pysandbox.plugin import AbortError, CallError
from pysandbox.testing import PluginFolder, json_response, load_plugin

HERE = Path(__file__).parent
INPUT = json.loads((HERE / "input.json").read_text("utf-8"))
VENDOR = ("POST", "/proxy/vendor/risk/evaluate")


@pytest.fixture(scope="module")
def plugin() -> PluginFolder:
    return load_plugin(HERE)


def evaluate(plugin: PluginFolder, payload: Any, **context: Any) -> dict[str, Any]:
    return plugin.invoke("evaluate", payload, plugin.context(**context))


def contributions(result: dict[str, Any]) -> dict[str, float]:
    return {part["feature"]: part["contribution"] for part in result["explanations"]}


def test_the_sample_input_is_a_high_risk_with_a_worked_out_probability(plugin: PluginFolder) -> None:
    result = evaluate(plugin, INPUT)
    # By hand, from model.py: each line is coefficient * (value - mean) / deviation.
    log_odds = -1.35 + sum((
        0.42 * (2 - 0.6) / 1.0,  # open tickets, from the session
        0.47 * (3 - 0.9) / 1.2,  # contacts
        0.31 * (1 - 0.2) / 0.6,  # failed payments
        0.28 * (1 / 5 - 0.06) / 0.12,  # refund rate
        -0.36 * (math.log1p(412) - 5.9) / 1.3,
        -0.22 * (2 - 0.7) / 0.9,  # gold
        0.58 * (3 - 0.5) / 0.9,  # charged, twice, third
        0.66 * (0 - 0.1) / 0.4,
        0.19 * (0.1 - 0.05) / 0.12,  # one "!"
    ))
    assert result["logOdds"] == pytest.approx(log_odds)
    assert result["score"] == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-4)
    assert (result["band"], result["assumedAverage"]) == ("high", ["vendor_score"])
    assert result["sources"] == {"session": "read", "vendor": "not asked"}


def test_contributions_and_the_intercept_add_up_to_the_log_odds(plugin: PluginFolder) -> None:
    result = evaluate(plugin, INPUT)
    assert math.fsum([-1.35, *contributions(result).values()]) == pytest.approx(result["logOdds"])


def test_explanations_come_by_weight_whatever_their_sign(plugin: PluginFolder) -> None:
    weights = [abs(value) for value in contributions(evaluate(plugin, INPUT)).values()]
    assert weights == sorted(weights, reverse=True)
    assert len(weights) == 9


def test_knowing_nothing_gives_the_baseline(plugin: PluginFolder) -> None:
    result = evaluate(plugin, {"customerId": "c-1"}, capabilities={"webchat:session:read": {}})
    assert result["explanations"] == []
    assert result["score"] == result["baseline"] == pytest.approx(0.2059, abs=1e-4)
    assert result["band"] == "low"


@pytest.mark.parametrize(("change", "feature", "raises"), [
    ({"account": {"contactsLast7Days": 6}}, "contacts_last_7_days", True),
    ({"account": {"contactsLast7Days": 0}}, "contacts_last_7_days", False),
    ({"account": {"ageDays": 3650}}, "account_age", False),
    ({"account": {"ageDays": 2}}, "account_age", True),
    ({"account": {"ordersLast90Days": 2, "refundsLast90Days": 2}}, "refund_rate", True),
    ({"account": {"failedPaymentsLast30Days": 4}}, "failed_payments_last_30_days", True),
    ({"message": "I will dispute this and call my lawyer."}, "threat_words", True),
    ({"message": "Thank you, all is well."}, "threat_words", False),
    ({"message": "It is broken and still late."}, "complaint_words", True),
    ({"message": "WHERE IS MY ORDER"}, "shouting", True),
])
def test_each_feature_moves_the_risk_the_way_it_should(
    plugin: PluginFolder, change: dict[str, Any], feature: str, raises: bool,
) -> None:
    assert (contributions(evaluate(plugin, {"customerId": "c", **change}))[feature] > 0) is raises


@pytest.mark.parametrize(("account", "absent"), [
    ({"ordersLast90Days": 0, "refundsLast90Days": 0}, "refund_rate"),
    ({"refundsLast90Days": 3}, "refund_rate"),
    ({}, "account_age"),
])
def test_what_cannot_be_known_is_assumed_average_and_not_zero(
    plugin: PluginFolder, account: dict[str, Any], absent: str,
) -> None:
    result = evaluate(plugin, {"customerId": "c", "account": account})
    assert absent in result["assumedAverage"]
    assert absent not in contributions(result)


@pytest.mark.parametrize(("payload", "complaint"), [
    (None, "not null"),
    ([], "not an array"),
    ({}, "customerId must name the customer"),
    ({"customerId": "  "}, "customerId must name the customer"),
    ({"customerId": 7}, "customerId must be a string, not a number"),
    ({"customerId": "c" * 129}, "129 characters; 128 is the most"),
    ({"customerId": "c", "message": ["x"]}, "message must be a string, not an array"),
    ({"customerId": "c", "account": 3}, "account must be an object"),
    ({"customerId": "c", "account": {"age": 3}}, "account.age is unknown; known are ageDays"),
    ({"customerId": "c", "account": {"ageDays": -1}}, "account.ageDays must be a number from 0, not -1"),
    ({"customerId": "c", "account": {"ageDays": True}}, "account.ageDays must be a number from 0, not True"),
    ({"customerId": "c", "account": {"ageDays": "9"}}, "account.ageDays must be a number from 0, not '9'"),
    ({"customerId": "c", "account": {"ageDays": float("nan")}}, "must be a number from 0, not nan"),
])
def test_a_payload_of_another_shape_is_refused_and_the_message_says_what_is_wrong(
    plugin: PluginFolder, payload: Any, complaint: str,
) -> None:
    with pytest.raises(ValueError, match=complaint):
        evaluate(plugin, payload)


def test_all_faults_of_a_payload_are_named_at_once(plugin: PluginFolder) -> None:
    with pytest.raises(ValueError, match=r"customerId.*message.*account\.x.*account\.ageDays"):
        evaluate(plugin, {"customerId": 1, "message": 2, "account": {"x": 1, "ageDays": -1}})


def test_a_session_that_is_denied_leaves_a_score_that_says_so(plugin: PluginFolder) -> None:
    ctx = plugin.context(capabilities={})
    result = plugin.invoke("evaluate", INPUT, ctx)
    assert result["sources"]["session"] == "PERMISSION_DENIED"
    assert {"loyalty", "open_tickets"} <= set(result["assumedAverage"])
    assert ctx.log.lines == [("warning", "scoring without the session", {"code": "PERMISSION_DENIED"})]


def test_a_session_that_fails_or_holds_nonsense_is_no_failure(plugin: PluginFolder) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("the page's function failed")

    assert evaluate(plugin, INPUT, capabilities={
        "webchat:session:read": broken})["sources"]["session"] == "CAPABILITY_FAILED"
    for session in (None, "gold", {"tier": 7, "openTickets": "2"}, {"tier": "diamond", "openTickets": -1}):
        result = evaluate(plugin, INPUT, capabilities={"webchat:session:read": session})
        assert {"loyalty", "open_tickets"} <= set(result["assumedAverage"])


def test_only_the_fields_that_are_needed_are_asked_for(plugin: PluginFolder) -> None:
    ctx = plugin.context()
    plugin.invoke("evaluate", INPUT, ctx)
    assert ctx.calls == [("webchat:session:read", {"fields": ["tier", "openTickets"]})]
    assert ctx.requests == []


def test_the_vendor_is_asked_only_on_demand_once_a_minute_and_its_score_counts(plugin: PluginFolder) -> None:
    ctx = plugin.context(routes={VENDOR: json_response({"score": 0.9})}, remaining_ms=600_000)
    first = plugin.invoke("evaluate", {**INPUT, "enrich": True}, ctx)
    again = plugin.invoke("evaluate", {**INPUT, "enrich": True}, ctx)
    assert [r["sources"]["vendor"] for r in (first, again)] == ["read", "cache"]
    assert contributions(first)["vendor_score"] == contributions(again)["vendor_score"] > 1
    assert [(request.json, request.timeout_ms) for request in ctx.requests] == [({"customerId": "c-1"}, 2000)]
    ctx.clock.advance(60_000)
    assert plugin.invoke("evaluate", {**INPUT, "enrich": True}, ctx)["sources"]["vendor"] == "read"


@pytest.mark.parametrize(("routes", "source"), [
    ({}, "ROUTE_NOT_FOUND"),
    ({VENDOR: json_response({"error": {}}, status=503)}, "status 503"),
    ({VENDOR: json_response("high")}, "read"),
    ({VENDOR: json_response({"score": 7})}, "read"),
])
def test_a_vendor_that_is_not_there_or_talks_nonsense_changes_no_score(
    plugin: PluginFolder, routes: Any, source: str,
) -> None:
    result = evaluate(plugin, {**INPUT, "enrich": True}, routes=routes)
    assert result["sources"]["vendor"] == source
    assert result["score"] == evaluate(plugin, INPUT)["score"]


def test_a_deadline_that_passes_while_the_vendor_thinks_ends_the_handler(plugin: PluginFolder) -> None:
    ctx = plugin.context(routes={VENDOR: lambda _: ctx.clock.advance(5000)})
    with pytest.raises(AbortError):
        plugin.invoke("evaluate", {**INPUT, "enrich": True}, ctx)


@pytest.mark.parametrize(("log_odds", "probability"), [(0, 0.5), (800, 1.0), (-800, 0.0), (math.log(3), 0.75)])
def test_the_sigmoid_is_exact_at_both_ends(plugin: PluginFolder, log_odds: float, probability: float) -> None:
    assert plugin.modules["scoring"].sigmoid(log_odds) == pytest.approx(probability)


def test_there_is_no_other_handler(plugin: PluginFolder) -> None:
    assert list(plugin.registry.handlers) == ["evaluate"]
    with pytest.raises(CallError, match="evaluate"):
        plugin.invoke("score", {})
