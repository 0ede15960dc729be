"""``{{a.b.c}}`` in a flow's strings: a lookup in data and nothing else. No attribute, call or filter that computes.

``{{path | default: LITERAL}}`` gives LITERAL (a JSON string, number, boolean or null) where nothing is found; without
it a missing value is an error. A string that is one template keeps the type of what it finds; in a longer text the
value is inserted, if it is a string, number or boolean. What was inserted is never read again: it brings no template,
no structure and no key. Must not know: blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.manifest_checks import join, kind

MAX_TEXT_CHARS: Final = 8192
"""Of one text, before and after its values were inserted."""
MAX_SEGMENTS: Final = 16

_MISSING: Final = object()
_PATH: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z0-9_-]{1,64})*)\s*")
_DEFAULT: Final = re.compile(r"\|\s*default\s*:\s*")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")
_END: Final = re.compile(r"\s*\}\}")
_CURE: Final = 'Write it like {{interaction.customer.id}}, or {{session.tier | default: "none"}}.'

Scope: TypeAlias = Mapping[str, object]


class TemplateFault(ValueError):
    """A text that is no template: ``rule`` and ``cure``."""

    def __init__(self, rule: str, cure: str = _CURE) -> None:
        self.rule, self.cure = rule, cure
        super().__init__(rule)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value without a template in it. Whoever gets it must not change it."""

    value: object


@dataclass(frozen=True, slots=True)
class Lookup:
    """``path`` is never empty; ``default`` is `_MISSING` where none was declared."""

    path: tuple[str, ...]
    default: object = _MISSING

    @property
    def has_default(self) -> bool:
        return self.default is not _MISSING

    def __str__(self) -> str:
        return "{{" + ".".join(self.path) + "}}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text with templates in it."""

    parts: tuple[str | Lookup, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """An object; its names are as written, never filled in."""

    items: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """An array."""

    items: tuple[Value, ...]


Value: TypeAlias = Literal | Lookup | Text | Members | Items


def compile_text(text: str) -> Value:
    """What ``text`` stands for. Raises `TemplateFault`."""
    if len(text) > MAX_TEXT_CHARS:
        raise TemplateFault(f"is longer than {MAX_TEXT_CHARS} characters", "Shorten it.")
    if "{{" not in text:
        return Literal(text)
    parts: list[str | Lookup] = []
    at = 0
    while (opening := text.find("{{", at)) >= 0:
        if opening > at:
            parts.append(text[at:opening])
        lookup, at = _lookup(text, opening + 2)
        parts.append(lookup)
    if at < len(text):
        parts.append(text[at:])
    only = parts[0]
    return only if len(parts) == 1 and isinstance(only, Lookup) else Text(tuple(parts))


def lookups(value: Value, path: str = "$") -> Iterator[tuple[str, Lookup]]:
    """Every template in ``value`` with the JSON path where it stands."""
    match value:
        case Lookup():
            yield path, value
        case Text():
            for part in value.parts:
                if isinstance(part, Lookup):
                    yield path, part
        case Members():
            for name, item in value.items:
                yield from lookups(item, join(path, name))
        case Items():
            for index, item in enumerate(value.items):
                yield from lookups(item, join(path, index))
        case Literal():
            pass


def render(value: Value, scope: Scope) -> object:
    """``value`` with what ``scope`` has for its templates. Raises `SandboxError` ``TEMPLATE_FAILED``."""
    match value:
        case Literal():
            return value.value
        case Lookup():
            return find(value, scope)
        case Text():
            return _text(value, scope)
        case Members():
            return {name: render(item, scope) for name, item in value.items}
        case Items():
            return [render(item, scope) for item in value.items]


def find(lookup: Lookup, scope: Scope) -> object:
    """What ``lookup`` names, or its default. Raises `SandboxError` ``TEMPLATE_FAILED``."""
    node: object = scope
    for segment in lookup.path:
        node = _member(node, segment)
        if node is _MISSING:
            break
    else:
        return node
    if lookup.has_default:
        return lookup.default
    raise SandboxError(Code.TEMPLATE_FAILED, f"{lookup} finds nothing")


def _member(node: object, segment: str) -> object:
    """An object's own member, or an array's item; never an attribute of what Python holds."""
    if isinstance(node, dict):
        return cast(dict[str, object], node).get(segment, _MISSING)
    if isinstance(node, list) and _INDEX.fullmatch(segment):
        items, index = cast(list[object], node), int(segment)
        return items[index] if index < len(items) else _MISSING
    return _MISSING


def is_there(lookup: Lookup, scope: Scope) -> bool:
    """Whether ``lookup`` finds anything, its default apart."""
    return find(Lookup(lookup.path, _MISSING_TOO), scope) is not _MISSING_TOO


_MISSING_TOO: Final = object()


def _text(value: Text, scope: Scope) -> str:
    pieces = [part if isinstance(part, str) else _piece(part, scope) for part in value.parts]
    if sum(map(len, pieces)) > MAX_TEXT_CHARS:
        raise SandboxError(Code.TEMPLATE_FAILED, f"the text is longer than {MAX_TEXT_CHARS} characters")
    return "".join(pieces)


def _piece(lookup: Lookup, scope: Scope) -> str:
    found = find(lookup, scope)
    if isinstance(found, str):
        return found
    if isinstance(found, (bool, int, float)):
        return json.dumps(found)
    raise SandboxError(Code.TEMPLATE_FAILED, f"{lookup} is {kind(found)}, which has no place inside of a text")


def _lookup(text: str, at: int) -> tuple[Lookup, int]:
    """The template whose inside begins at ``at``, and where it ends."""
    shown = json.dumps(text[at - 2 : at + 40])
    path = _PATH.match(text, at)
    if path is None:
        raise TemplateFault(f"{shown} is no lookup: names with dots between are all that a template can hold")
    segments = tuple(path[1].split("."))
    if len(segments) > MAX_SEGMENTS:
        raise TemplateFault(f"{shown} has more than {MAX_SEGMENTS} names", "Shorten the path.")
    at, default = path.end(), _MISSING
    if (said := _DEFAULT.match(text, at)) is not None:
        default, at = _literal(text, said.end(), shown)
    end = _END.match(text, at)
    if end is None:
        raise TemplateFault(f"{shown} does not end in }}}} after its path: nothing can be computed in a template")
    return Lookup(segments, default), end.end()


def _literal(text: str, at: int, shown: str) -> tuple[object, int]:
    fault = TemplateFault(f"{shown} has a default that is no JSON string, number, boolean or null")
    if text[at : at + 1] in {"", "{", "[", "N", "I"} or text.startswith("-I", at):
        raise fault
    try:
        found, end = json.JSONDecoder().raw_decode(text, at)
    except ValueError:
        raise fault from None
    if isinstance(found, float) and found in {float("inf"), float("-inf")}:
        raise fault
    return found, end
