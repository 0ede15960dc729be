"""30, 32, 33, 57, 58: names of every object's prototype are ordinary text on every way through the sandbox."""

from __future__ import annotations

import json

import pytest

from e2e.kit.lab import Lab, LabPlugin

NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"]
TEXT = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1,"then":1,"toJSON":1}'
CLEAN = "() => [{}, [], Object.prototype, () => {}].every((one) => one.polluted === undefined)"
ROUND_TRIP = """async ([number, payloadText]) => {
  const { value } = await lab.finish(lab.start([number, "pollute", null, { payloadText }]));
  return JSON.stringify(value);
}"""


@pytest.fixture(scope="module")
def attacker(shared_lab: Lab) -> LabPlugin:
    return shared_lab.load("test.attacker@1.0.0")


def test_such_keys_go_through_and_back_and_touch_no_prototype(shared_lab: Lab, attacker: LabPlugin) -> None:
    back = shared_lab.ask(ROUND_TRIP, [attacker.number, TEXT])
    assert json.loads(back) == json.loads(TEXT)
    assert shared_lab.ask(CLEAN)
    told = shared_lab.ask("(n) => JSON.stringify(lab.heard(n))", attacker.number)
    assert "polluted" in told
    assert shared_lab.ask(CLEAN)


@pytest.mark.parametrize("name", NAMES)
def test_such_a_handler_is_none(attacker: LabPlugin, name: str) -> None:
    outcome = attacker.invoke(name, {})
    assert (outcome["status"], outcome["error"]["code"]) == ("error", "HANDLER_NOT_FOUND"), outcome


@pytest.mark.parametrize("name", [*NAMES, "lab:page:undeclared", "application:plugin:manage", "webchat:session:READ"])
def test_such_a_permission_is_denied(shared_lab: Lab, attacker: LabPlugin, name: str) -> None:
    outcome = attacker.invoke("ask", name)
    assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome
    assert shared_lab.ask(CLEAN)


def test_control_a_declared_permission_is_not(shared_lab: Lab, attacker: LabPlugin) -> None:
    assert attacker.value("ask", "webchat:session:read")["tier"] == "gold"
    assert shared_lab.ask(CLEAN), "its argument has such a key, and the page's function returned it"


def test_a_payload_that_shows_another_value_each_time_is_read_once(shared_lab: Lab, attacker: LabPlugin) -> None:
    seen = shared_lab.ask("""async (number) => {
      let reads = 0;
      const outcome = await lab.finish(lab.start([number, "echo", { toJSON: () => ++reads }, {}]));
      return [reads, outcome.value];
    }""", attacker.number)
    assert seen == [1, 1]
