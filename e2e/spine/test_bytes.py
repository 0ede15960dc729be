"""Bytes from the page to a plugin and back, by transfer through two workers and a frame."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from e2e.kit.lab import Lab, LabPlugin

SIZE = 3_000_000
MAKE = "const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i % 251);"
LIMIT = 4_194_304


@pytest.fixture(scope="module")
def plugin(shared_lab: Lab) -> LabPlugin:
    return shared_lab.load("test.bytes@1.0.0")


def ask(plugin: LabPlugin, handler: str, payload: str, look: str = "value") -> Any:
    """Call with the JavaScript ``payload``; ``look`` says what of ``outcome`` and its ``value`` is told."""
    return plugin.lab.ask(
        f"""async ([number, handler]) => {{
          {MAKE}
          const payload = {payload};
          const outcome = await lab.finish(lab.start([number, handler, payload, {{}}]));
          const {{ value }} = outcome;
          return {look};
        }}""", [plugin.number, handler])  # fmt: skip


@pytest.mark.parametrize("how", ["bytes(n)", "bytes(n).buffer", "bytes(n + 20).subarray(0, n)"])
def test_the_plugin_gets_bytes_every_one_of_them(plugin: LabPlugin, how: str) -> None:
    expected = bytes(i % 251 for i in range(SIZE))
    assert ask(plugin, "digest", how.replace("n", str(SIZE))) == {
        "type": "bytes", "length": SIZE, "sha256": hashlib.sha256(expected).hexdigest()}


def test_the_page_gets_a_uint8array_every_byte_of_it(plugin: LabPlugin) -> None:
    look = f"""[value.data.constructor.name, value.data.length, value.empty.length,
             value.data.every((byte, i) => byte === i % 251), bytes({SIZE}).length]"""
    assert ask(plugin, "counts_up", str(SIZE), look) == ["Uint8Array", SIZE, 0, True, SIZE]


def test_bytes_anywhere_come_back_where_they_were_and_stay_the_callers(plugin: LabPlugin) -> None:
    payload = "{ text: 'é', list: [bytes(3), 1], deep: { same: [bytes(2), bytes(2)] }, none: new ArrayBuffer(0) }"
    look = """[value.text, [...value.list[0]], value.list[1], value.deep.same.map((part) => [...part]),
               value.none.length, payload.list[0].length]"""
    assert ask(plugin, "echo", payload, look) == ["é", [0, 1, 2], 1, [[0, 1], [0, 1]], 0, 3]


def test_a_call_of_the_plugin_and_the_pages_answer_have_bytes_too(plugin: LabPlugin) -> None:
    look = "[value.was, value.got, [...value.bytes]]"
    assert ask(plugin, "asks", "bytes(4)", look) == ["Uint8Array", "bytes", [255, 254, 253, 252]]


ERROR = "[outcome.status, outcome.error.code, outcome.error.message]"


@pytest.mark.parametrize("payload", [f"bytes({LIMIT + 1})", f"[bytes({LIMIT}), bytes(1)]", "bytes(65 * 1024 * 1024)"])
def test_too_many_bytes_name_the_limit_that_they_break(plugin: LabPlugin, payload: str) -> None:
    status, code, message = ask(plugin, "echo", payload.replace("bytes(65", "new Uint8Array(65"), ERROR)
    assert (status, code) == ("error", "MESSAGE_LIMIT")
    assert "isolation.limits.bufferBytes" in message


def test_too_many_bytes_of_the_plugins_name_the_limit_too(plugin: LabPlugin) -> None:
    status, code, message = ask(plugin, "counts_up", str(LIMIT + 1), ERROR)
    assert (status, code) == ("error", "MESSAGE_LIMIT")
    assert "isolation.limits.bufferBytes" in message
    assert ask(plugin, "counts_up", "1", "[...value.data]") == [0]


@pytest.mark.parametrize(
    ("handler", "payload", "code"),
    [("echo", "{ a: { $bytes: 0 } }", "INPUT_INVALID"), ("echo", "new Float64Array(2)", "INPUT_INVALID"),
     ("own_key", "null", "RESULT_NOT_JSON")])
def test_what_cannot_be_told_from_bytes_is_refused(plugin: LabPlugin, handler: str, payload: str, code: str) -> None:
    status, found, message = ask(plugin, handler, payload, ERROR)
    assert (status, found) == ("error", code)
    assert "bytes" in message or "Uint8Array" in message


def test_nothing_of_it_was_an_alert(plugin: LabPlugin) -> None:
    assert ask(plugin, "echo", "bytes(1)", "[...value]") == [0]
    assert plugin.lab.alerts() == []
