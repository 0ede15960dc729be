"""What a plugin may draw with: a closed set of components, and what each may say of itself. Data, no markup.

`pysandbox.plugin.ui` makes trees of them in the plugin; the page's side holds every tree against the same table
(``web/ui.gen.ts`` is written from it) before it shows anything, since a plugin may send what it likes.
Must not know: how components look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

COMPONENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "column": {"children": "nodes"},
    "row": {"children": "nodes"},
    "card": {"title": "text", "children": "nodes"},
    "heading": {"text": "text"},
    "text": {"text": "text", "tone": "tone?"},
    "badge": {"text": "text", "tone": "tone?"},
    "metric": {"label": "text", "value": "text", "tone": "tone?"},
    "meter": {"label": "text", "share": "share"},
    "items": {"items": "texts"},
    "table": {"caption": "text", "columns": "texts", "rows": "rows"},
    "button": {"text": "text", "invoke": "handler", "payload": "json?", "tone": "tone?"},
    "form": {"invoke": "handler", "submit": "text", "children": "nodes", "payload": "json?"},
    "text_field": {"name": "name", "label": "text", "value": "text?", "required": "bool?", "multiline": "bool?"},
    "number_field": {
        "name": "name", "label": "text", "value": "number?", "least": "number?", "most": "number?",
        "required": "bool?"},
    "choice": {"name": "name", "label": "text", "options": "options", "value": "text?"},
    "checkbox": {"name": "name", "label": "text", "checked": "bool?"},
}
"""Each component's properties and their types; ``?``: may be left out."""
TONES: Final = ("neutral", "info", "good", "warn", "bad")
MAX_NODES: Final = 1000
MAX_DEPTH: Final = 12
MAX_TEXT_CHARS: Final = 5000
MAX_LIST: Final = 500
"""Items of a list, rows of a table, options of a choice."""
MAX_COLUMNS: Final = 20
NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,63}"
HANDLER: Final = r"[A-Za-z][A-Za-z0-9_.\-]{0,63}"

_NUMBER: Final = (int, float)


class UiError(ValueError):
    """A drawing that is none. ``path``: where, such as ``$.children[2].text``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path
        self.problem = problem


def check(tree: object) -> None:
    """Raises `UiError` at the first thing in ``tree`` that no page would draw."""
    _Check().node(tree, "$", 1)


class _Check:
    def __init__(self) -> None:
        self._nodes = 0

    def node(self, told: object, path: str, depth: int) -> None:
        if not isinstance(told, dict):
            raise UiError(path, "is no component: make one with pysandbox.plugin.ui")
        node = cast("dict[str, object]", told)
        kind = node.get("kind")
        known = COMPONENTS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise UiError(f"{path}.kind", f"is one of {', '.join(COMPONENTS)}")
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise UiError(path, f"is too much: {MAX_NODES} components at most, {MAX_DEPTH} deep")
        for name in node:
            if name != "kind" and name not in known:
                raise UiError(f"{path}.{name}", f"is nothing that a {kind} has: {', '.join(known)}")
        for name, type in known.items():
            at = f"{path}.{name}"
            if name in node:
                self._value(node[name], type.removesuffix("?"), at, depth)
            elif not type.endswith("?"):
                raise UiError(at, "is missing")

    def _value(self, told: Any, type: str, path: str, depth: int) -> None:
        if type == "nodes":
            for at, child in enumerate(_list(told, path, MAX_NODES)):
                self.node(child, f"{path}[{at}]", depth + 1)
        elif type == "texts":
            _texts(told, path, MAX_LIST)
        elif type == "rows":
            for at, row in enumerate(_list(told, path, MAX_LIST)):
                _texts(row, f"{path}[{at}]", MAX_COLUMNS)
        elif type == "options":
            for at, option in enumerate(_list(told, path, MAX_LIST)):
                if len(_texts(option, f"{path}[{at}]", 2)) != 2:
                    raise UiError(f"{path}[{at}]", "is a value and its label")
        elif type != "json" and not _RULES[type](told):
            raise UiError(path, _SAID[type])


def _list(told: object, path: str, most: int) -> list[object]:
    if not isinstance(told, list):
        raise UiError(path, "is a list")
    found = cast("list[object]", told)
    if len(found) > most:
        raise UiError(path, f"has {most} entries at most")
    return found


def _texts(told: object, path: str, most: int) -> list[object]:
    found = _list(told, path, most)
    for at, text in enumerate(found):
        if not _is_text(text):
            raise UiError(f"{path}[{at}]", _SAID["text"])
    return found


def _is_text(told: object) -> bool:
    return isinstance(told, str) and len(told) <= MAX_TEXT_CHARS


def _is_number(told: object) -> bool:
    return isinstance(told, _NUMBER) and not isinstance(told, bool) and told - told == 0


_RULES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": _is_text,
    "tone": lambda told: told in TONES,
    "bool": lambda told: isinstance(told, bool),
    "number": _is_number,
    "share": lambda told: _is_number(told) and 0 <= told <= 1,
    "name": lambda told: isinstance(told, str) and re.fullmatch(NAME, told) is not None,
    "handler": lambda told: isinstance(told, str) and re.fullmatch(HANDLER, told) is not None,
}
_SAID: Final = {
    "text": f"is text of {MAX_TEXT_CHARS} characters at most",
    "tone": f"is one of {', '.join(TONES)}",
    "bool": "is true or false",
    "number": "is a finite number",
    "share": "is a number from 0 to 1",
    "name": "is a name: a letter, then letters, digits and _, 64 characters at most",
    "handler": "is the name of a handler",
}
