"""Collecting every problem of a JSON document at once, each with its JSON path, rule and cure.

Must not know: what a manifest is (`pysandbox.core.manifest`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Final, cast

from pysandbox.core.errors import Problem
from pysandbox.core.limits import LIMITS

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MISSING: Final = object()
_KINDS: Final[Mapping[type, str]] = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}

NOWHERE: Final[Mapping[str, tuple[str, str]]] = {}

MAX_PROBLEMS: Final = 100
"""As many as a person reads; looking for what a misspelt key may have meant stops there too."""


def join(path: str, key: str | int) -> str:
    """The JSON path of a member: ``$.a``, ``$.a[0]``, or ``$.a["odd key"]``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}[{show(key)}]"


def show(value: object) -> str:
    """A value as short ASCII JSON, safe to print."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def kind(value: object) -> str:
    """What JSON calls the type of ``value``."""
    return _KINDS.get(type(value), "a number")


def not_finite(value: object, path: str = "$") -> Iterator[tuple[str, float]]:
    """Where ``value`` holds NaN or an infinity. It must not nest deep."""
    if isinstance(value, float) and not isfinite(value):
        yield path, value
    elif isinstance(value, dict):
        for name, member in cast(dict[str, object], value).items():
            yield from not_finite(member, join(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from not_finite(item, join(path, index))


@dataclass(frozen=True, slots=True)
class Form:
    """What a string must look like. ``rule`` completes "VALUE …"."""

    pattern: re.Pattern[str]
    max_chars: int
    rule: str
    cure: str


class Checks:
    """The problems found so far; the methods add to them and give back what was good, or None."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def fault(self, path: str, rule: str, cure: str) -> None:
        self.problems.append(Problem(path, rule, cure))

    def fields(
            self, value: object, path: str, *, required: Collection[str], optional: Collection[str] = (),
            elsewhere: Mapping[str, tuple[str, str]] = NOWHERE,
    ) -> Mapping[str, object]:
        """The members of the object ``value``; unknown and missing ones are faults.

        ``elsewhere``: rule and cure for names that are known, and have no business here.
        """
        if not isinstance(value, dict):
            self.fault(path, f"is {kind(value)}, not an object", "Write an object: {…}")
            return {}
        members = cast(dict[str, object], value)
        known = [*required, *optional]
        for name in members:
            if name in elsewhere:
                self.fault(join(path, name), *elsewhere[name])
            elif name not in known:
                near = get_close_matches(name[:64], known, 1) if len(self.problems) < MAX_PROBLEMS else []
                cure = f'Write "{near[0]}".' if near else f"Remove it. Known here: {', '.join(known)}."
                self.fault(join(path, name), "is no key that is known here", cure)
        for name in required:
            if name not in members:
                self.fault(join(path, name), "is missing", f'Add "{name}".')
        return {name: members[name] for name in known if name in members}

    def text(self, members: Mapping[str, object], path: str, name: str, form: Form) -> str | None:
        """The string ``name``, if it is there and fits ``form``."""
        value = members.get(name, _MISSING)
        if value is _MISSING:
            return None
        at = join(path, name)
        if not isinstance(value, str):
            self.fault(at, f"is {kind(value)}, not a string", form.cure)
        elif len(value) > form.max_chars:
            self.fault(at, f"is longer than {form.max_chars} characters", "Shorten it.")
        elif not form.pattern.fullmatch(value):
            self.fault(at, f"{show(value)} {form.rule}", form.cure)
        else:
            return value
        return None

    def choice(self, members: Mapping[str, object], path: str, name: str, choices: Collection[str]) -> str | None:
        """The string ``name``, if it is there and one of ``choices``."""
        value = members.get(name, _MISSING)
        if isinstance(value, str) and value in choices:
            return value
        if value is not _MISSING:
            allowed = ", ".join(f'"{choice}"' for choice in choices)
            self.fault(join(path, name), f"{show(value)} is not accepted", f"Use {allowed}.")
        return None

    def limit(self, members: Mapping[str, object], path: str, name: str) -> int:
        """The number ``name`` of the limits' table; its default where it is absent or wrong."""
        limit = LIMITS[name]
        value = members.get(name, _MISSING)
        if value is _MISSING:
            return limit.default
        cure = f"Use a whole number of {limit.unit} from {limit.floor} to {limit.ceiling}; default {limit.default}."
        at = join(path, name)
        if type(value) is not int:
            what = f"{show(value)} is no whole number" if type(value) is float else f"is {kind(value)}, not a number"
            self.fault(at, what, cure)
        elif value > limit.ceiling:
            self.fault(at, f"{show(value)} is above the host's ceiling of {limit.ceiling}", cure)
        elif value < limit.floor:
            self.fault(at, f"{show(value)} is below the floor of {limit.floor}", cure)
        else:
            return value
        return limit.default
