"""What a plugin draws: functions that make components for a page's ``<pysandbox-plugin>``.

A handler that returns one of them is drawn by the page's side, as its own elements in its own style; there is no way to
write markup, style or script. What is wrong is said where it is made: each function raises `pysandbox.core.ui.UiError`,
a ValueError that names the property.

    @handler
    def draw(payload, ctx):
        return ui.card("Risk", ui.metric("Score", "0.82", tone="bad"), ui.button("Again", invoke="draw"))

Every handler that a page's element invokes gets ``{"payload": ..., "values": {...}}``: what the page, the button or the
form carries, and the values of the form's fields by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pysandbox.core.ui import check

Node = dict[str, Any]
"""A component, as JSON."""


def column(*children: Node) -> Node:
    """``children`` below each other."""
    return _made("column", children=list(children))


def row(*children: Node) -> Node:
    """``children`` side by side; they wrap where it is narrow."""
    return _made("row", children=list(children))


def card(title: str, *children: Node) -> Node:
    """A framed part with a heading."""
    return _made("card", title=title, children=list(children))


def heading(text: str) -> Node:
    """A heading; its level follows from the cards around it."""
    return _made("heading", text=text)


def text(text: str, *, tone: str | None = None) -> Node:
    """A paragraph. ``tone``: one of ``neutral``, ``info``, ``good``, ``warn``, ``bad``, here as elsewhere."""
    return _made("text", text=text, tone=tone)


def badge(text: str, *, tone: str | None = None) -> Node:
    """A word or two that stand out."""
    return _made("badge", text=text, tone=tone)


def metric(label: str, value: object, *, tone: str | None = None) -> Node:
    """A figure with its name; ``value`` is shown as its text."""
    return _made("metric", label=label, value=str(value), tone=tone)


def meter(label: str, share: float) -> Node:
    """How much of a whole: ``share`` from 0 to 1."""
    return _made("meter", label=label, share=share)


def items(*items: str) -> Node:
    """A list with bullets."""
    return _made("items", items=list(items))


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Node:
    """Rows of cells, each shown as its text, under column headings."""
    return _made("table", caption=caption, columns=list(columns), rows=[[str(cell) for cell in row] for row in rows])


def button(text: str, *, invoke: str, payload: object = None, tone: str | None = None) -> Node:
    """Invokes the handler ``invoke`` with ``payload``; what it returns is drawn instead."""
    return _made("button", text=text, invoke=invoke, payload=payload, tone=tone)


def form(*children: Node, invoke: str, submit: str, payload: object = None) -> Node:
    """Fields among ``children``, whose values the handler ``invoke`` gets when the button ``submit`` is pressed."""
    return _made("form", invoke=invoke, submit=submit, children=list(children), payload=payload)


def text_field(
    name: str, label: str, *, value: str | None = None, required: bool | None = None, multiline: bool | None = None
) -> Node:
    """A line of text, or with ``multiline`` several."""
    return _made("text_field", name=name, label=label, value=value, required=required, multiline=multiline)


def number_field(
    name: str, label: str, *, value: float | None = None, least: float | None = None, most: float | None = None,
    required: bool | None = None,
) -> Node:  # fmt: skip
    """A number, or None where it is left empty."""
    return _made("number_field", name=name, label=label, value=value, least=least, most=most, required=required)


def choice(name: str, label: str, options: Iterable[tuple[str, str]], *, value: str | None = None) -> Node:
    """One of ``options``, pairs of value and label."""
    return _made("choice", name=name, label=label, options=[list(option) for option in options], value=value)


def checkbox(name: str, label: str, *, checked: bool | None = None) -> Node:
    """True or false."""
    return _made("checkbox", name=name, label=label, checked=checked)


def _made(kind: str, **told: object) -> Node:
    node: Node = {"kind": kind, **{name: value for name, value in told.items() if value is not None}}
    check(node)
    return node
