"""Draws whatever the page tells it to, well or not; and one of each component."""

from __future__ import annotations

from typing import Any

from pysandbox.plugin import Context, handler, ui

times = 0


@handler
def draw(payload: dict[str, Any], _ctx: Context) -> Any:
    """The page's own tree, or all there is."""
    return payload["payload"] or everything()


@handler
def count(_payload: dict[str, Any], _ctx: Context) -> ui.Node:
    global times  # noqa: PLW0603
    times += 1
    return ui.row(ui.button("Count", invoke="count"), ui.badge(f"{times} times"))


@handler
def told(payload: dict[str, Any], _ctx: Context) -> ui.Node:
    """What the form held, as text."""
    return ui.text(repr(payload))


@handler
def fails(_payload: dict[str, Any], _ctx: Context) -> None:
    raise RuntimeError("it fails")


@handler
def pushes(_payload: dict[str, Any], ctx: Context) -> ui.Node:
    ctx.emit("ui", ui.text("pushed"))
    ctx.emit("other", ui.text("no drawing"))
    return ui.text("returned")


def everything() -> ui.Node:
    return ui.column(
        ui.heading("All components"),
        ui.row(ui.metric("Score", 0.82, tone="bad"), ui.metric("Cases", 3), ui.badge("gold", tone="warn")),
        ui.card(
            "Details", ui.text("Plain text."), ui.text("Good news.", tone="good"), ui.meter("Done", 0.4),
            ui.items("first", "second"), ui.table("Orders", ["Number", "Sum"], [["4711", 12.5], ["4712", 7]]),
            ui.button("Remove", invoke="fails", tone="bad")),
        ui.form(
            ui.text_field("name", "Name", value="Mia"), ui.text_field("note", "Note", multiline=True),
            ui.number_field("age", "Age", least=0, most=150), ui.number_field("size", "Size", value=1.5),
            ui.choice("tier", "Tier", [("g", "Gold"), ("s", "Silver")], value="s"),
            ui.checkbox("agreed", "Agreed", checked=True),
            invoke="told", submit="Send", payload={"form": 1}))
