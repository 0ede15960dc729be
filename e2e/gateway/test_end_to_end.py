"""Plugin, host, gateway, upstream, and back, with every part as it is in production."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import pytest

from e2e.conftest import EXAMPLES
from e2e.gateway.conftest import opened
from e2e.kit.deployment import ROUTE, Deployment
from e2e.kit.lab import Lab, LabPlugin
from pysandbox.testing.browsers import Page

INPUT = json.loads((EXAMPLES / "risk_scoring" / "input.json").read_text("utf-8"))
ADMINISTERED = "/api/v2/integrations/proxy/routes"


def asked(caller: LabPlugin, **request: Any) -> dict[str, Any]:
    return caller.value("ask", {"json": {"customerId": "c-1"}, **request})


def test_the_example_scores_with_the_vendors_answer(lab: Lab, deployment: Deployment) -> None:
    plugin = lab.load("com.vendor.risk-scoring")
    scored = plugin.value("evaluate", {**INPUT, "enrich": True})
    assert scored["sources"] == {"session": "read", "vendor": "read"}
    assert "vendor_score" in [part["feature"] for part in scored["explanations"]]
    [(method, path, headers, body)] = deployment.asked()
    assert (method, path, json.loads(body)) == ("POST", "/v1/evaluate", {"customerId": "c-1"})
    assert headers["authorization"].removeprefix("Bearer ") in deployment.api.tokens
    assert not lab.alerts()
    plugin.unload()


def test_the_plugin_gets_a_masked_answer(caller: LabPlugin) -> None:
    answer = asked(caller)
    told = json.loads(answer["text"])
    assert (answer["status"], told["model"], told["subject"]["customerId"]) == (200, "vendor-7", "c-1")
    assert "078-05-1120" not in answer["text"]
    assert "4111" not in answer["text"]
    assert {"socialSecurityNumber", "cards"} <= told["subject"].keys()
    assert {"content-type", "ratelimit"} <= answer["headers"].keys()
    assert not {"x-content-type-options", "content-security-policy", "permissions-policy"} & answer["headers"].keys()


def test_no_header_of_the_plugins_gets_through_but_the_harmless(caller: LabPlugin, deployment: Deployment) -> None:
    asked(caller, headers={
        "Authorization": "Basic plugin", "Cookie": "a=1", "Host": "evil.example", "X-Forwarded-For": "10.0.0.1",
        "X_Api_Key": "k", "Accept-Language": "fr"})
    [(_, _, headers, _)] = deployment.asked()
    assert headers["accept-language"] == "fr"
    assert headers["authorization"].startswith("Bearer ")
    assert headers["host"] == deployment.upstream.authority
    assert not {"cookie", "x-forwarded-for", "x_api_key", "x-api-key"} & headers.keys()


@pytest.mark.parametrize(("request_", "code"), [
    ({"path": "/proxy/vendor/other"}, "ROUTE_NOT_FOUND"),
    ({"path": "/proxy/vendor/risk"}, "ROUTE_NOT_FOUND"),
    ({"verb": "delete"}, "METHOD_NOT_ALLOWED"),
    ({"path": "/proxy/vendor/risk/../admin"}, "INPUT_INVALID"),
    ({"path": "/proxy/vendor/risk/%2e%2e/admin"}, "INPUT_INVALID"),
])
def test_what_no_route_answers_never_reaches_the_vendor(
    caller: LabPlugin, deployment: Deployment, request_: dict[str, Any], code: str,
) -> None:
    assert asked(caller, **request_)["code"] == code
    assert not deployment.api.requests


@pytest.mark.parametrize(("mood", "code"), [
    ("huge", "UPSTREAM_REFUSED"), ("redirect", "UPSTREAM_REFUSED"), ("deep", "UPSTREAM_REFUSED"),
    ("slow", "UPSTREAM_TIMEOUT"),
])
def test_a_vendor_that_is_not_well_costs_the_plugin_one_coded_error(
    caller: LabPlugin, deployment: Deployment, mood: str, code: str,
) -> None:
    deployment.api.mood = mood
    assert asked(caller, timeout_ms=1000)["code"] == code
    deployment.api.mood = "well"
    assert asked(caller)["status"] == 200


def test_a_credential_that_is_given_back_goes_no_further_nor_do_hostile_headers(
    caller: LabPlugin, deployment: Deployment,
) -> None:
    deployment.api.mood = "echo"
    answer = asked(caller)
    [(_, _, headers, _)] = deployment.asked()
    token = headers["authorization"].removeprefix("Bearer ")
    assert answer["status"] == 200, answer
    assert token not in json.dumps(answer)
    assert not {"set-cookie", "clear-site-data", "link", "report-to", "x-token"} & answer["headers"].keys()


def test_the_vendors_error_is_an_answer_and_after_some_of_them_the_breaker_opens(
    caller: LabPlugin, deployment: Deployment,
) -> None:
    name = f"Brittle{secrets.token_hex(4)}"  # its breaker outlives the route
    deployment.ask("POST", ADMINISTERED, {
        **ROUTE, "name": name, "routePattern": "/proxy/vendor/brittle/*", "upstream": deployment.leads_to("/v1"),
        "circuitBreaker": {"failures": 3, "baseMs": 60_000}})
    deployment.api.mood = "broken"
    found = [asked(caller, path="/proxy/vendor/brittle/evaluate") for _ in range(6)]
    assert [answer.get("status", answer.get("code")) for answer in found] == [503] * 3 + ["UPSTREAM_UNAVAILABLE"] * 3
    assert len(deployment.asked()) == 3
    deployment.ask("DELETE", f"{ADMINISTERED}/{name}")


def test_a_revoked_permission_and_a_blocked_version_end_it(page: Page, deployment: Deployment) -> None:
    lab = opened(page, deployment)
    caller = lab.load("test.caller")
    assert asked(caller)["status"] == 200
    lab.ask("(a) => lab.revoke(a)", [caller.number, "integration:proxy:invoke"])
    assert asked(caller)["code"] == "PERMISSION_DENIED"
    at = "/api/v2/plugins/test.caller/versions/1.0.0"
    deployment.ask("PATCH", at, {"state": "blocked"})
    try:
        end = time.monotonic() + 15
        while (outcome := caller.invoke("ask", {}))["status"] == "ok" and time.monotonic() < end:
            time.sleep(0.1)
        assert (outcome["status"], outcome["error"]["code"]) in [
            ("unavailable", "PLUGIN_BLOCKED"), ("killed", "PLUGIN_KILLED")]
        assert caller.invoke("ask", {})["error"]["code"] == "PLUGIN_BLOCKED"
    finally:
        deployment.ask("PATCH", at, {"state": "enabled"})
