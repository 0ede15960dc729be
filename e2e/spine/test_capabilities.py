"""What a plugin may ask for: granted, undeclared, not provided, revoked, and a page's function that fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.kit.lab import Lab, LabPlugin


def test_a_granted_capability_answers_with_what_the_page_gave(spine: LabPlugin) -> None:
    asked = {"permission": "webchat:session:read", "args": {"fields": ["tier"]}}
    value = spine.value("ask", asked, correlationId="c-1")
    assert value == {"tier": "gold", "args": {"fields": ["tier"]}, "pluginId": "test.spine", "correlationId": "c-1"}


def test_an_undeclared_capability_is_denied_and_told(shared_lab: Lab, spine: LabPlugin) -> None:
    before = len(shared_lab.alerts())
    outcome = spine.invoke("ask", {"permission": "lab:page:undeclared"})
    assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome
    assert "not declared" in outcome["error"]["message"]
    alert = shared_lab.wait_for_alerts(before + 1)[-1]
    assert (alert["code"], alert["pluginId"]) == ("PERMISSION_DENIED", "test.spine")


def test_a_declared_capability_that_the_page_does_not_give_is_denied(spine: LabPlugin) -> None:
    outcome = spine.invoke("ask", {"permission": "lab:page:not-there"})
    assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome
    assert "not provided by the page" in outcome["error"]["message"]


def test_a_plugin_may_catch_a_denial_and_go_on(spine: LabPlugin) -> None:
    caught = spine.value("ask_and_catch", {"permission": "lab:page:undeclared"})
    assert (caught["type"], caught["code"]) == ("PermissionDenied", "PERMISSION_DENIED")


def test_what_the_pages_function_throws_stays_on_the_page(spine: LabPlugin) -> None:
    caught = spine.value("ask_and_catch", {"permission": "lab:page:throws"})
    assert caught["code"] == "CAPABILITY_FAILED"
    assert "secret" not in caught["text"]
    outcome = spine.invoke("ask", {"permission": "lab:page:throws"})
    assert (outcome["status"], outcome["error"]["code"]) == ("error", "CAPABILITY_FAILED"), outcome
    assert "secret" not in outcome["error"]["message"]


def test_the_proxy_has_no_routes_yet(spine: LabPlugin) -> None:
    outcome = spine.invoke("proxy", {"path": "/proxy/vendor/risk/evaluate"})
    assert (outcome["status"], outcome["error"]["code"]) == ("error", "ROUTE_NOT_FOUND"), outcome


@pytest.fixture
def another(shared_lab: Lab) -> Iterator[LabPlugin]:
    plugin = shared_lab.load("test.spine@1.0.0")
    yield plugin
    plugin.unload()


def test_a_revoked_capability_is_denied_from_then_on(shared_lab: Lab, another: LabPlugin) -> None:
    asked = {"permission": "webchat:session:read"}
    assert another.invoke("ask", asked)["status"] == "ok"
    shared_lab.ask("(a) => lab.revoke(a)", [another.number, "webchat:session:read"])
    outcome = another.invoke("ask", asked)
    assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome
    assert "revoked" in outcome["error"]["message"]


def test_a_call_in_flight_is_withdrawn_from_the_page_when_the_plugin_is_aborted(
    shared_lab: Lab, spine: LabPlugin
) -> None:
    before = shared_lab.ask("() => lab.withdrawn")
    outcome = spine.invoke("ask", {"permission": "lab:page:waits"}, abortAfterMs=200)
    assert outcome["status"] == "aborted", outcome
    shared_lab.page.wait_for(f"lab.withdrawn === {before + 1}")
