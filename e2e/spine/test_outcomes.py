"""Run a plugin and look at what comes back: every way an invocation can end has its status, code and message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e.conftest import EXAMPLES
from e2e.kit.lab import Lab, LabError, LabPlugin

SHAPE = {"status", "correlationId", "durationMs", "memory", "generation", "pageMs", "endedAt"}


def error_of(outcome: dict[str, Any], status: str, code: str) -> str:
    """The message of an outcome that must have this status and code."""
    assert (outcome["status"], outcome["error"]["code"]) == (status, code), outcome
    assert "value" not in outcome
    assert isinstance(outcome["error"]["retryable"], bool)
    return outcome["error"]["message"]


def test_the_guides_plugin_answers(shared_lab: Lab) -> None:
    plugin = shared_lab.load("com.vendor.risk-scoring@2.1.0")
    outcome = plugin.invoke("evaluate", json.loads((EXAMPLES / "risk_scoring" / "input.json").read_text()))
    assert outcome["status"] == "ok", outcome
    assert 0 <= outcome["value"]["score"] <= 100
    plugin.unload()


def test_an_outcome_has_the_documented_shape(spine: LabPlugin) -> None:
    outcome = spine.invoke("echo", {"a": [1, "é", None, True]}, correlationId="my-id.1")
    assert outcome.keys() == SHAPE | {"value"}
    assert outcome["value"] == {"a": [1, "é", None, True]}
    assert outcome["correlationId"] == "my-id.1"
    assert 0 < outcome["durationMs"] <= outcome["pageMs"] + 1
    assert outcome["generation"] == 1
    memory = outcome["memory"]
    assert 0 < memory["bytes"] <= memory["peakBytes"] < 64 << 20
    assert memory["source"] == "plugin-allocator"


def test_a_plugin_knows_where_it_runs(spine: LabPlugin) -> None:
    value = spine.value("about", correlationId="c-7", timeoutMs=5000)
    assert 0 < value.pop("remaining") <= 5000
    assert value == {
        "environment": "test", "queue": "lab_queue", "locale": "en-GB", "plugin": "test.spine", "correlation": "c-7",
        "permissions": ["integration:proxy:invoke", "lab:page:throws", "lab:page:waits", "webchat:session:read"],
    }  # fmt: skip


def test_what_it_tells_meanwhile_reaches_the_page(spine: LabPlugin) -> None:
    spine.value("tell")
    told = [(one["kind"], one["detail"]) for one in spine.heard()]
    assert ("event", {"event": "note", "data": {"n": 1}}) in told
    assert [detail["fraction"] for kind, detail in told if kind == "progress"] == [0.5]
    lines = {detail["message"]: detail for kind, detail in told if kind == "log"}
    assert lines["a line"]["fields"] == {"colour": "blue"}
    assert "printed" in lines


def test_an_exception_is_told_to_its_author(spine: LabPlugin) -> None:
    message = error_of(spine.invoke("raises", {"message": "no such customer"}), "error", "PLUGIN_ERROR")
    assert "LookupError" in message
    assert "no such customer" in message


@pytest.mark.parametrize("handler", ["exits", "recurses"])
def test_what_would_end_a_program_ends_the_invocation_alone(spine: LabPlugin, handler: str) -> None:
    error_of(spine.invoke(handler), "error", "PLUGIN_ERROR")
    assert spine.value("echo", 1) == 1


def test_an_unknown_handler_is_named_and_so_are_the_known(spine: LabPlugin) -> None:
    message = error_of(spine.invoke("evaluat"), "error", "HANDLER_NOT_FOUND")
    assert "'evaluat'" in message
    assert "echo" in message


@pytest.mark.parametrize("what", [
    "set", "object", "nan", "infinity", "surrogate", "surrogate-key", "number-key", "endless"])  # fmt: skip
def test_a_result_that_is_no_json_is_said_to_be_none(spine: LabPlugin, what: str) -> None:
    assert error_of(spine.invoke("not_json", what), "error", "RESULT_NOT_JSON")
    assert spine.value("echo", what) == what


@pytest.mark.parametrize(("handler", "payload"), [("nested", 33), ("nested", 400), ("cyclic", None)])
def test_a_result_that_nests_too_deep_is_refused(spine: LabPlugin, handler: str, payload: int | None) -> None:
    error_of(spine.invoke(handler, payload), "error", "MESSAGE_LIMIT")
    after = spine.invoke("nested", 32)
    assert after["status"] == "ok", after


def test_memory_ends_in_a_coded_outcome_and_the_plugin_lives_on(shared_lab: Lab) -> None:
    plugin = shared_lab.load("test.spine@1.0.0")
    outcome = plugin.invoke("hog")
    assert error_of(outcome, "error", "MEMORY_LIMIT")
    assert outcome["memory"]["peakBytes"] < 64 << 20
    after = plugin.invoke("echo", "alive")
    assert (after["status"], after["value"], after["generation"]) == ("ok", "alive", 1), after
    plugin.unload()


@pytest.mark.parametrize(("name", "code", "says"), [
    ("test.no-import@1.0.0", "PLUGIN_IMPORT_FAILED", "a_module_that_is_nowhere"),
    ("test.no-handlers@1.0.0", "PLUGIN_IMPORT_FAILED", "@handler"),
    ("test.raises-on-load@1.0.0", "PLUGIN_IMPORT_FAILED", "no model file"),
    ("test.not-there@1.0.0", "PLUGIN_NOT_FOUND", ""),
    ("test.spine@9.9.9", "PLUGIN_NOT_FOUND", ""),
    ("../spine", "INPUT_INVALID", "../spine"),
])  # fmt: skip
def test_what_cannot_be_loaded_says_why(shared_lab: Lab, name: str, code: str, says: str) -> None:
    with pytest.raises(LabError) as caught:
        shared_lab.load(name)
    assert (caught.value.name, caught.value.code) == ("SandboxError", code), caught.value
    assert says in caught.value.message


def test_no_version_means_the_highest(shared_lab: Lab) -> None:
    plugin = shared_lab.load("test.spine")
    assert plugin.value("echo", 1) == 1
    plugin.unload()


def test_an_unloaded_plugin_says_so(shared_lab: Lab) -> None:
    plugin = shared_lab.load("test.spine@1.0.0")
    waiting = plugin.start("wait")
    plugin.unload()
    error_of(shared_lab.finish(waiting), "unavailable", "PLUGIN_NOT_LOADED")
    error_of(plugin.invoke("echo"), "unavailable", "PLUGIN_NOT_LOADED")


@pytest.mark.parametrize(("handler", "payload"), [("a b", 1), ("", 1), ("x" * 129, 1)])
def test_a_call_that_is_no_call_never_leaves_the_page(spine: LabPlugin, handler: str, payload: int) -> None:
    error_of(spine.invoke(handler, payload), "error", "INPUT_INVALID")


ODD = """async (number) => {
  const odd = {
    "a correlation id that is a number": { correlationId: 4711 },
    "one that cannot be read": { correlationId: { toString() { throw 1; } } },
    "a big deadline": { timeoutMs: 10n },
    "a deadline in words": { timeoutMs: "1000" },
    "a signal that is none": { signal: {} },
    "a signal that looks like one": { signal: { aborted: false, addEventListener: null } },
    "options that throw": { get timeoutMs() { throw new Error("not for you"); } },
    "no options": null,
  };
  const told = {};
  for (const [name, options] of Object.entries(odd)) {
    told[name] = await lab.plugin(number).invoke("echo", 1, options).then(
      ({ status, error, correlationId }) => [status, error?.code ?? "", typeof correlationId],
      (problem) => ["rejected", String(problem), ""],
    );
  }
  return told;
}"""


def test_whatever_invoke_is_called_with_it_resolves_and_the_host_lives_on(spine: LabPlugin) -> None:
    told = spine.lab.ask(ODD, spine.number)
    assert told.pop("no options") == ["ok", "", "string"]
    assert len(told) == 7
    assert {name: answer for name, answer in told.items() if answer != ["error", "INPUT_INVALID", "string"]} == {}
    assert spine.value("echo", 2) == 2
