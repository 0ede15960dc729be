"""What plugins do is told to the gateway from a real browser: joined by its correlation id, without anybody in it."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from e2e.gateway.conftest import opened
from e2e.kit.deployment import Deployment
from e2e.kit.lab import LabPlugin
from pysandbox.gateway.auth.principal import READ_TELEMETRY
from pysandbox.host.telemetry import MAKE_MS, SEND_MS
from pysandbox.testing.browsers import Page

ARRIVES_S = 15.0


def records(deployment: Deployment, cid: str, kind: str = "invocation") -> list[dict[str, Any]]:
    """What the gateway has of this kind under a correlation id, as soon as there is something."""
    request = urllib.request.Request(
        f"{deployment.api_origin}/api/v2/telemetry/records?correlationId={cid}{kind and f'&kind={kind}'}",
        headers={"Authorization": f"Bearer {deployment.server.token(READ_TELEMETRY)}"})
    end = time.monotonic() + ARRIVES_S
    while True:
        with urllib.request.urlopen(request, timeout=20) as answer:
            found = json.loads(answer.read())["records"]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.2)


def unique(name: str) -> str:
    return f"{name}-{time.time_ns():x}"


def test_an_invocation_is_one_record_and_its_proxied_request_a_part_of_it(
    caller: LabPlugin, deployment: Deployment
) -> None:
    cid = unique("ask")
    outcome = caller.invoke("ask", {"json": {"customerId": "Lovelace-1815"}}, correlationId=cid)
    assert outcome["status"] == "ok", outcome

    (told,) = records(deployment, cid)

    assert (told["pluginId"], told["vendor"], told["status"]) == ("test.caller", "test.caller", "ok")
    assert (told["handler"], told["proxyCalls"], told["metrics"]["statusCode"]) == ("ask", 1, 200)
    assert 0 < told["metrics"]["networkLatencyMs"] <= told["metrics"]["durationMs"]
    assert told["metrics"]["memoryUsedMB"] > 1
    assert told["subject"].startswith("hmac-sha256:")
    [(_, _, headers, _)] = deployment.asked()
    assert headers["x-correlation-id"] == cid
    (part,) = records(deployment, cid, "request")
    assert part["request"]["parent"] == told["id"][:16]
    assert headers["traceparent"].split("-")[2] == part["id"][:16]
    assert (part["pluginId"], part["request"]["outcome"]) == ("test.caller", "upstream")
    assert part["metrics"]["statusCode"] == 200
    assert 0 < part["metrics"]["networkLatencyMs"] <= part["metrics"]["durationMs"]
    assert part["subject"] == told["subject"]
    assert "Lovelace" not in json.dumps(part)
    assert "Lovelace" not in json.dumps(told)


def test_a_failure_is_told_without_what_it_was_about(caller: LabPlugin, deployment: Deployment) -> None:
    cid = unique("fail")
    caller.invoke("ask", {"nothing": "ada@example.com"}, correlationId=cid)

    assert len(records(deployment, cid)) == 1
    assert "ada@example.com" not in json.dumps(records(deployment, cid, ""))


def test_what_the_gateway_did_not_have_yet_is_sent_as_the_page_ends(page: Page, deployment: Deployment) -> None:
    lab = opened(page, deployment)
    caller = lab.load("test.caller")
    cid = unique("end")
    caller.invoke("ask", {"json": {}}, correlationId=cid)
    time.sleep(4 * MAKE_MS / 1000)  # what happened in the last moments is not a record yet
    # Not the driver's own word: Firefox says now and then that it was aborted.
    page.evaluate("() => { setTimeout(() => { location.href = 'about:blank' }) }")

    (told,) = records(deployment, cid)

    assert told["pluginId"] == "test.caller"
    assert 4 * MAKE_MS < SEND_MS / 2  # else the host worker itself had sent it
