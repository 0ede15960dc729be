"""The plugin's logic without a browser; ``pysandbox test`` then runs its saved input in the real sandbox too."""

from __future__ import annotations

from pathlib import Path

from pysandbox.testing import load_plugin

PLUGIN = load_plugin(Path(__file__).parent)
MIA = {"name": "Mia", "openTickets": 4}


def test_many_tickets_stand_out() -> None:
    card = PLUGIN.invoke("draw", {"payload": MIA, "values": {}})
    badge, tickets = card["children"][0]["children"]
    assert (card["title"], badge["text"]) == ("Mia", "silver")
    assert (tickets["value"], tickets["tone"]) == ("4", "warn")


def test_a_note_is_shown_and_the_customer_stays() -> None:
    card = PLUGIN.invoke("add_note", {"payload": MIA, "values": {"note": "calls back"}})
    assert card["title"] == "Mia"
    assert card["children"][1]["items"][-1] == "calls back"
