"""Call-back: a plugin that draws. It shows the free times, asks for number and time, and says what was booked."""

from __future__ import annotations

import re
from typing import Any

from pysandbox.plugin import Context, handler, ui

TIMES = {"09:30": "in the morning", "12:15": "at noon", "16:45": "in the afternoon"}
PHONE = re.compile(r"\+?[0-9][0-9 ]{5,18}")
booked: dict[str, str] = {}


@handler
def draw(payload: dict[str, Any], _ctx: Context) -> ui.Node:
    """The free times and a form. ``payload["payload"]``: the page's, ``{"customer": NAME}`` or None."""
    customer = (payload["payload"] or {}).get("customer", "the customer")
    return ask(f"When may we call {customer} back?")


@handler
def book(payload: dict[str, Any], _ctx: Context) -> ui.Node:
    """What the form held is booked, or asked for again."""
    phone, time = payload["values"]["phone"], payload["values"]["time"]
    if not PHONE.fullmatch(phone):
        return ask("This is no telephone number. Please write it as +49 30 1234567.", tone="bad", phone=phone)
    if time in booked:
        return ask(f"{time} has just been taken. Please choose another time.", tone="warn", phone=phone)
    booked[time] = phone
    return ui.card(
        "Booked", ui.metric("We call", f"{phone} at {time}", tone="good"),
        ui.button("Another one", invoke="draw"))


def ask(said: str, *, tone: str | None = None, phone: str = "") -> ui.Node:
    free = {time: when for time, when in TIMES.items() if time not in booked}
    return ui.card(
        "Call back", ui.text(said, tone=tone), ui.meter("Still free", len(free) / len(TIMES)),
        ui.form(
            ui.text_field("phone", "Telephone", value=phone, required=True),
            ui.choice("time", "Time", [(time, f"{time} {when}") for time, when in free.items()]),
            invoke="book", submit="Book"))
