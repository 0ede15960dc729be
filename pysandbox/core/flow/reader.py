"""What reading a flow's JSON takes beside what reading any JSON takes: templates, numbers, names, targets.

Must not know: the types of blocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from pysandbox.core.flow.blocks import AnyBlock, Call
from pysandbox.core.flow.run import ROOTS
from pysandbox.core.flow.spec import BLOCK_ID, FLOW_ID, MAX_NAMES, Field
from pysandbox.core.flow.templates import (
    MAX_TEXT_CHARS,
    Items,
    Literal,
    Lookup,
    Members,
    TemplateFault,
    Value,
    compile_text,
    lookups,
)
from pysandbox.core.manifest_checks import MAX_PROBLEMS, Checks, Form, join, kind, show

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ID_FORM: Final = Form(re.compile(BLOCK_ID), 64, "is no block's id", "Use letters, digits, _ and -, a letter first.")
FLOW_FORM: Final = Form(re.compile(FLOW_ID), 128, "is no flow's id", "Use letters, digits, dots, _ and -.")
NOTE_FORM: Final = Form(re.compile("(?s).*"), MAX_TEXT_CHARS, "", "Write a text.")


@dataclass(slots=True)
class Draft:
    """A block as far as it could be read. ``targets`` and ``places`` go by branch, ``places`` are JSON paths.

    ``lookups``: every template with its path, and whether the block is in trouble when it finds nothing.
    ``block`` is None where the form is wrong.
    """

    path: str
    id: str = ""
    type: str = ""
    targets: dict[str, str] = field(default_factory=dict[str, str])
    places: dict[str, str] = field(default_factory=dict[str, str])
    lookups: list[tuple[str, Lookup, bool]] = field(default_factory=list[tuple[str, Lookup, bool]])
    calls: tuple[Call, ...] = ()
    call_paths: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()  # the names that setData sets
    max_visits: int = 0
    longest_ms: int = 0
    block: AnyBlock | None = None


class Reader(Checks):
    """The checks of a JSON document's members, and those that flows need beside them."""

    @property
    def is_enough(self) -> bool:
        """Whether more is wrong than anybody reads: from here on nobody guesses what may have been meant."""
        return len(self.problems) >= MAX_PROBLEMS

    def number(self, members: Mapping[str, object], path: str, name: str, spec: Field) -> int:
        value = members.get(name, spec.default)
        if value is None and name not in members:
            return spec.low
        cure = f"Use a whole number from {spec.low} to {spec.high}."
        if type(value) is not int:
            what = f"{show(value)} is no whole number" if type(value) is float else f"is {kind(value)}, not a number"
            self.fault(join(path, name), what, cure)
        elif not spec.low <= value <= spec.high:
            self.fault(join(path, name), f"{show(value)} is outside of its bounds", cure)
        else:
            return value
        return spec.low

    def missing(self, members: Mapping[str, object], path: str, fields: Mapping[str, Field]) -> None:
        """Each required field that is not there, with what it is for."""
        for name, spec in fields.items():
            if spec.required and name not in members:
                self.fault(join(path, name), "is missing", f'Add "{name}": {spec.meaning[0].lower()}{spec.meaning[1:]}')

    def value(self, value: object, path: str) -> Value:
        """A value with its templates compiled."""
        if isinstance(value, str):
            try:
                return compile_text(value)
            except TemplateFault as fault:
                self.fault(path, fault.rule, fault.cure)
                return Literal("")
        if isinstance(value, dict):
            members = cast(dict[str, object], value)
            self._no_templates_in(members, path)
            items = tuple((name, self.value(item, join(path, name))) for name, item in members.items())
            constant = all(isinstance(item, Literal) for _, item in items)
            return Literal(cast(object, value)) if constant else Members(items)
        if isinstance(value, list):
            parts = tuple(self.value(item, join(path, index)) for index, item in enumerate(cast(list[object], value)))
            return Literal(cast(object, value)) if all(isinstance(part, Literal) for part in parts) else Items(parts)
        return Literal(value)

    def _no_templates_in(self, names: Mapping[str, object], path: str) -> None:
        for name in names:
            if "{{" in name:
                self.fault(join(path, name), "is a name with a template in it", "Names are fixed: fill in the value.")

    def text_value(self, members: Mapping[str, object], path: str, name: str, default: str = "") -> Value:
        """A text with templates; where it is none, a fault."""
        value = members.get(name, default)
        if not isinstance(value, str):
            self.fault(join(path, name), f"is {kind(value)}, not a string", "Write a text; templates may be in it.")
            return Literal("")
        return self.value(value, join(path, name))

    def named_values(self, members: Mapping[str, object], path: str, name: str) -> dict[str, Value]:
        """An object of values by name."""
        at, value = join(path, name), members.get(name, {})
        if not isinstance(value, dict):
            self.fault(at, f"is {kind(value)}, not an object", "Write an object: {…}")
            return {}
        found = cast(dict[str, object], value)
        if len(found) > MAX_NAMES:
            self.fault(at, f"has more than {MAX_NAMES} names", "Keep to what is needed.")
            return {}
        for key in found:
            if not _NAME.fullmatch(key):
                self.fault(
                    join(at, key), "is no name that a template could have", "Use letters, digits, _ and -.")
        return {key: self.value(item, join(at, key)) for key, item in found.items()}


    def block_id(self, members: Mapping[str, object], path: str) -> str:
        """The id of a block or a call, by which templates find it; "" if it is none."""
        found = self.text(members, path, "id", _ID_FORM) or ""
        if found in ROOTS:
            self.fault(join(path, "id"), f"{show(found)} is where templates find something else", "Use another id.")
            return ""
        return found

    def target(self, members: Mapping[str, object], path: str, name: str, branch: str, draft: Draft) -> None:
        """Where ``branch`` leads, if it says so."""
        found = self.text(members, path, name, _ID_FORM)
        if found is not None:
            draft.targets[branch] = found
            draft.places[branch] = join(path, name)

    def array(self, members: Mapping[str, object], path: str, name: str, most: int) -> list[object]:
        """The array ``name`` of 1 to ``most`` items; empty where it is none, or not there."""
        if name not in members:
            return []
        value = members[name]
        items = cast(list[object], value) if isinstance(value, list) else []
        if not 1 <= len(items) <= most:
            what = f"is an array of {len(items)}" if isinstance(value, list) else f"is {kind(value)}, not an array"
            self.fault(join(path, name), what, f"Write an array of 1 to {most}.")
            return []
        return items


def note(draft: Draft, path: str, values: Mapping[str, Value], *, needed: bool) -> None:
    """Remember the templates in ``values``, which stand at ``path``."""
    for name, value in values.items():
        draft.lookups += [(at, lookup, needed) for at, lookup in lookups(value, join(path, name))]
