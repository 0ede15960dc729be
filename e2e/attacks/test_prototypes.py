"""30, 32, 33, 57, 58: names of every object's prototype are ordinary text on every way through the sandbox."""

from __future__ import annotations

import json

import pytest

from e2e.kit.lab import Lab, LabPlugin
from pysandbox.testing.browsers import Page

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


NAIVE_MERGE = """(text) => {
  const merge = (to, from) => {
    for (const [key, value] of Object.entries(from)) {
      if (typeof value === "object") merge(to[key] ??= {}, value);
      else to[key] = value;
    }
  };
  merge({}, JSON.parse(text));
  return {}.polluted;
}"""


def test_control_a_page_that_assigns_by_name_is_polluted(page: Page) -> None:
    page.goto("data:text/html,")
    assert page.evaluate(NAIVE_MERGE, TEXT) == 1


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


def test_control_who_reads_it_twice_sees_two_values(shared_lab: Lab) -> None:
    reads = "() => { let n = 0; const odd = { toJSON: () => ++n }; return [JSON.stringify(odd), JSON.stringify(odd)]; }"
    assert shared_lab.ask(reads) == ["1", "2"]
