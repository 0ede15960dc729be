"""The harmless parts, in CPython: `loop` and `hog` belong in the sandbox alone, and a test must not use the network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pysandbox.testing import PluginFolder, load_plugin

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def plugin() -> PluginFolder:
    return load_plugin(HERE)


def test_the_handler_that_behaves_answers(plugin: PluginFolder) -> None:
    assert plugin.invoke("answer", {}, plugin.context())["text"] == "at your service"


def test_every_road_to_a_raw_message_is_reported_with_what_stopped_it(plugin: PluginFolder) -> None:
    attempts = plugin.invoke("forge", {}, plugin.context())["attempts"]
    said = {attempt["road"]: (attempt["result"], attempt["said"]) for attempt in attempts}
    assert said["js.postMessage"] == ("stopped", "ModuleNotFoundError: No module named 'js'")
    assert said["a port found in the heap"][0] == "stopped"
    assert len(said) == len(attempts) == 7


def test_a_road_that_does_something_is_reported_as_open(plugin: PluginFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class FakePage:
        postMessage = staticmethod(sent.append)  # noqa: N815 - JavaScript's name

    monkeypatch.setitem(sys.modules, "js", FakePage)
    first = plugin.invoke("forge", {}, plugin.context())["attempts"][0]
    assert (first["road"], first["result"], len(sent)) == ("js.postMessage", "open", 1)
