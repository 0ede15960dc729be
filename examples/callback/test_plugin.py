"""Unit tests of the plugin, as its vendor would write them: what it draws, and what comes of the form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pysandbox.testing import PluginFolder, load_plugin


@pytest.fixture
def plugin() -> PluginFolder:
    return load_plugin(Path(__file__).parent)


def parts(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A component and all that is in it."""
    yield node
    for child in node.get("children", []):
        yield from parts(child)


def book(plugin: PluginFolder, phone: str, time: str) -> list[dict[str, Any]]:
    return list(parts(plugin.invoke("book", {"payload": None, "values": {"phone": phone, "time": time}})))


def test_it_asks_for_the_customer_by_name(plugin: PluginFolder) -> None:
    drawn = plugin.invoke("draw", {"payload": {"customer": "Mia"}, "values": {}})
    said, meter, form = drawn["children"]
    assert said["text"] == "When may we call Mia back?"
    assert meter["share"] == 1
    assert [field["name"] for field in form["children"]] == ["phone", "time"]


def test_a_time_is_booked_once(plugin: PluginFolder) -> None:
    assert book(plugin, "+49 30 1234567", "12:15")[1]["value"] == "+49 30 1234567 at 12:15"
    again = book(plugin, "+49 30 7654321", "12:15")
    assert again[1]["tone"] == "warn"
    assert "12:15" not in [value for value, _ in again[-1]["options"]]


def test_what_is_no_number_is_asked_for_again_and_kept(plugin: PluginFolder) -> None:
    drawn = book(plugin, "call me", "12:15")
    assert drawn[1]["tone"] == "bad"
    assert next(part for part in drawn if part.get("name") == "phone")["value"] == "call me"
