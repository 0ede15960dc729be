"""The plugin's logic without a browser; ``pysandbox test`` then runs its saved input in the real sandbox too."""

from __future__ import annotations

from pathlib import Path

from pysandbox.testing import json_response, load_plugin

PLUGIN = load_plugin(Path(__file__).parent)
ROUTE = ("POST", "/proxy/vendor/orders")


def test_the_vendors_answer_is_the_order() -> None:
    ctx = PLUGIN.context(routes={ROUTE: json_response({"id": 7})})
    assert PLUGIN.invoke("last_order", {"customerId": "c-1"}, ctx) == {"order": {"id": 7}, "because": "read"}


def test_without_a_route_there_is_a_result_all_the_same() -> None:
    assert PLUGIN.invoke("last_order", {"customerId": "c-1"}) == {"order": None, "because": "ROUTE_NOT_FOUND"}
