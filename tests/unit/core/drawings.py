"""Drawings, one of each component, and trees that are none with the place where they are wrong: test data."""

from __future__ import annotations

from typing import Any, Final

from pysandbox.plugin import ui

TEXT: Final[dict[str, Any]] = {"kind": "text", "text": "a"}
DRAWINGS: Final = [
    ui.column(ui.text("a"), ui.row()), ui.row(ui.text("a")), ui.card("Title", ui.heading("b")), ui.heading("a"),
    ui.text("", tone="info"), ui.badge("a", tone="good"), ui.metric("a", 7, tone="warn"), ui.meter("a", 0.5),
    ui.items("a", "b"), ui.table("a", ["b", "c"], [[1, None]]), ui.button("a", invoke="b", payload={"c": [1]}),
    ui.form(ui.checkbox("a", "b"), invoke="c", submit="d", payload=7),
    ui.text_field("a", "b", value="c", required=True, multiline=False),
    ui.number_field("a", "b", value=1, least=-1, most=2.5, required=False),
    ui.choice("a", "b", [("c", "d")], value="c"), ui.checkbox("a", "b", checked=True), ui.text("\U0001f600" * 5000),
]  # fmt: skip
REFUSED: Final[list[tuple[Any, str]]] = [
    (None, "$"), ("<b>", "$"), ([TEXT], "$"), (7, "$"), ({}, "$.kind"), ({"kind": "script"}, "$.kind"),
    ({"kind": "constructor"}, "$.kind"), ({"kind": "__proto__"}, "$.kind"), ({"kind": ["text"]}, "$.kind"),
    ({"kind": "text"}, "$.text"), ({"kind": "text", "text": None}, "$.text"), ({"kind": "text", "text": 7}, "$.text"),
    ({**TEXT, "onclick": "a"}, "$.onclick"), ({**TEXT, "tone": "loud"}, "$.tone"), ({**TEXT, "tone": None}, "$.tone"),
    ({"kind": "row", "children": "a"}, "$.children"), ({"kind": "row", "children": {}}, "$.children"),
    ({"kind": "row", "children": [TEXT, {"kind": "row", "children": [7]}]}, "$.children[1].children[0]"),
    *(({"kind": "meter", "label": "a", "share": share}, "$.share") for share in (2, -0.1, True, "1", None)),
    *(({"kind": "button", "text": "a", "invoke": name}, "$.invoke") for name in ("b c", "", "b\n", 7)),
    *(({"kind": "checkbox", "name": name, "label": "c"}, "$.name") for name in ("a-b", "__proto__", "", "a" * 65)),
    ({"kind": "items", "items": ["a", 7]}, "$.items[1]"), ({"kind": "text", "text": "\U0001f600" * 5001}, "$.text"),
    ({"kind": "checkbox", "name": "a", "label": "c", "checked": 1}, "$.checked"),
    ({"kind": "choice", "name": "a", "label": "b", "options": [["c"]]}, "$.options[0]"),
    ({"kind": "choice", "name": "a", "label": "b", "options": [["c", "d", "e"]]}, "$.options[0]"),
    ({"kind": "table", "caption": "a", "columns": ["b"], "rows": ["c"]}, "$.rows[0]"),
    ({"kind": "table", "caption": "a", "columns": ["b"] * 501, "rows": []}, "$.columns"),
    ({"kind": "table", "caption": "a", "columns": [], "rows": [["b"] * 21]}, "$.rows[0]"),
]  # fmt: skip
"""The page's side names the property alone where an entry of it is wrong."""
