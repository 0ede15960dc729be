"""22-25, 29, 88: envelopes that are forged, replayed, out of order or of another generation are refused and told.

The attacker is Python inside the worker that took its runtime apart: it holds the port's own key and seals as it
likes. What it gains is an alert, its own death past the budget, and nothing that reaches the page or another plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.attacks.conftest import Attackers, Serve
from e2e.attacks.walls import NO_ENVELOPE_CHECKS
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer

REJECTED, VIOLATION = "NONCE_REJECTED", "PROTOCOL_VIOLATION"
FORGERIES = [
    ("forged_nonce", "nonce", REJECTED),
    ("other_key", "nonce", REJECTED),
    ("altered", "nonce", REJECTED),
    ("other_plugin", "nonce", REJECTED),
    ("other_direction", "nonce", REJECTED),
    ("replayed", "replay", REJECTED),
    ("reordered", "gap", REJECTED),
    ("stale_generation", "generation", REJECTED),
    ("next_generation", "generation", REJECTED),
    ("other_session", "session", REJECTED),
    ("other_origin", "origin", VIOLATION),
    ("other_version", "version", "PROTOCOL_VERSION"),
]
DELIVERED = {"replayed": 1, "reordered": 1}  # the honest half of these attacks


@pytest.fixture(scope="module")
def attackers(shared_lab: Lab) -> Attackers:
    return Attackers(shared_lab)


@pytest.fixture
def attacker(attackers: Attackers) -> LabPlugin:
    return attackers.next()


def unharmed(lab: Lab, attacker: LabPlugin, spine: LabPlugin) -> list[dict[str, Any]]:
    """Both plugins answer; the alerts so far."""
    assert spine.value("echo", 1) == 1
    assert attacker.value("echo", 2) == 2
    return lab.alerts()


@pytest.mark.parametrize(("attack", "rule", "code"), FORGERIES)
def test_a_forged_envelope_is_refused_and_told(
    shared_lab: Lab, attacker: LabPlugin, spine: LabPlugin, attack: str, rule: str, code: str
) -> None:
    before = attacker.events()
    assert attacker.value("forge", attack) == "sent"
    alerts = unharmed(shared_lab, attacker, spine)
    assert [(alert["rule"], alert["code"]) for alert in alerts] == [(rule, code)]
    alert = alerts[0]
    assert (alert["pluginId"], alert["generation"]) == ("test.attacker", 1)
    assert alert["evidence"].isalnum()
    assert len(alert["evidence"]) == 64, "the message's SHA-256, not the message"
    assert attacker.events() - before == DELIVERED.get(attack, 0)


@pytest.fixture(scope="module")
def trusting(serve: Serve, open_lab: Callable[[LabServer], Lab]) -> LabPlugin:
    return open_lab(serve(NO_ENVELOPE_CHECKS)).load("test.attacker@1.0.0")


@pytest.mark.parametrize("attack", [attack for attack, _, _ in FORGERIES if attack != "other_version"])
def test_control_without_the_checks_it_reaches_the_page(trusting: LabPlugin, attack: str) -> None:
    before = trusting.events()
    assert trusting.value("forge", attack) == "sent"
    assert trusting.events() - before == DELIVERED.get(attack, 0) + 1


# What is sealed as it should be, and still says what it may not: the plugin owns its key, not the protocol.
SEALED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "result", "id": "999", "payload": '"forged"'}, "unknown-id"),
    ({"kind": "error", "id": "999", "payload": "{}"}, "unknown-id"),
    ({"kind": "ready"}, "kind"),
    ({"kind": "loaded", "id": "load", "payload": '{"handlers":["evil"]}'}, "kind"),
    ({"kind": "load", "id": "load"}, "kind"),
    ({"kind": "bye"}, "kind"),
    ({"kind": "open"}, "kind"),
    ({"kind": "credit", "payload": "99999"}, "credit"),
    ({"kind": "credit", "payload": "-1"}, "credit"),
    ({"kind": "event", "payload": '{"a":1,"a":2}'}, "json-duplicate-key"),
    ({"kind": "event", "payload": "NaN"}, "json-not-finite"),
    ({"kind": "event", "payload": "1e999"}, "json-not-finite"),
    ({"kind": "event", "payload": "9" * 400}, "json-number"),
    ({"kind": "event", "payload": r'"\ud800"'}, "json-surrogate"),
    ({"kind": "event", "payload": '{"a":1'}, "json-syntax"),
    ({"kind": "event", "payload": "{" + ",".join(f'"k{n}":1' for n in range(1001)) + "}"}, "json-too-many-keys"),
    ({"kind": "call", "id": "x1", "method": "webchat:session:read", "payload": "[]"}, "call-shape"),
    ({"kind": "call", "id": "", "method": "webchat:session:read"}, "call-id"),
]


@pytest.mark.parametrize(("message", "rule"), SEALED)
def test_a_sealed_message_may_not_say_everything(
    shared_lab: Lab, attacker: LabPlugin, spine: LabPlugin, message: dict[str, Any], rule: str
) -> None:
    taken = message["kind"] != "open"  # a kind that is none is refused with its envelope
    before = attacker.events()
    assert attacker.value("sealed", {**message, "counts": taken}) == "sent"
    alerts = unharmed(shared_lab, attacker, spine)
    assert [alert["rule"] for alert in alerts] == [rule]
    assert attacker.value("echo", "still") == "still"
    assert attacker.events() == before


def test_a_second_answer_to_one_call_is_a_violation(shared_lab: Lab, attacker: LabPlugin, spine: LabPlugin) -> None:
    outcome = attacker.invoke("answer_twice")
    assert (outcome["status"], outcome["value"]) == ("ok", "mine"), outcome
    assert [alert["rule"] for alert in unharmed(shared_lab, attacker, spine)] == ["unknown-id"]


@pytest.mark.parametrize("text", [
    "", "hello", "{}", "[]", "null", '{"nonce":"é"}', '{"nonce":"' + "0" * 64 + '"}', "\x00 zero", "{" * 20,
])  # fmt: skip
def test_text_that_is_no_envelope_is_refused(
    shared_lab: Lab, attacker: LabPlugin, spine: LabPlugin, text: str
) -> None:
    assert attacker.value("raw", [text]) == "sent"
    alerts = unharmed(shared_lab, attacker, spine)
    assert [(alert["rule"], alert["code"]) for alert in alerts] == [("malformed", VIOLATION)]


def test_past_its_budget_of_violations_a_worker_is_ended(
    shared_lab: Lab, attackers: Attackers, spine: LabPlugin
) -> None:
    attackers.drop()
    attacker = attackers.next()
    outcome = attacker.invoke("raw_and_wait", ["garbage"] * 12)
    assert (outcome["status"], outcome["error"]["code"]) == ("killed", "PLUGIN_KILLED"), outcome
    assert "protocol" in outcome["error"]["message"]
    after = attacker.invoke("echo", "again")
    assert (after["status"], after["generation"]) == ("ok", 2), after
    assert spine.invoke("echo")["generation"] == 1
    assert [alert["rule"] for alert in shared_lab.alerts()] == ["malformed"] * 9
