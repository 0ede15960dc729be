"""A card about the customer for an agent's desktop: ``<pysandbox-plugin>`` draws what the handlers return."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import Context, handler, ui

MANY = 3
notes: list[str] = []


@handler
async def draw(payload: dict[str, Any], ctx: Context) -> ui.Node:
    """Of ``payload["payload"]``, the page's: ``{"name", "openTickets"}``."""
    customer: dict[str, Any] = payload["payload"] or {}
    session = await ctx.call("webchat:session:read", {"fields": ["tier"]})
    tickets = int(customer.get("openTickets", 0))
    return ui.card(
        str(customer.get("name", "Somebody")),
        ui.row(ui.badge(session["tier"]), ui.metric("Open tickets", tickets, tone="warn" if tickets > MANY else None)),
        ui.items(*notes),
        ui.form(ui.text_field("note", "Note", required=True), invoke="add_note", submit="Add", payload=customer))


@handler
async def add_note(payload: dict[str, Any], ctx: Context) -> ui.Node:
    """Keep what was written for as long as the plugin's worker lives, and draw the card again."""
    notes.append(payload["values"]["note"])
    return await draw(payload, ctx)
