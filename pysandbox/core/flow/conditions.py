"""Comparisons over data, for ``decision``: JSON in, yes or no out. No code, no expression, no pattern.

A comparison names one value and what it is held against: ``{"value": "{{session.tier}}", "equals": "gold"}``. They are
put together by ``{"all": […]}``, ``{"any": […]}`` and ``{"not": …}``. Must not know: blocks, JSON paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.templates import Lookup, Scope, Value, is_there, render
from pysandbox.core.manifest_checks import kind


@dataclass(frozen=True, slots=True)
class Compare:
    """``by`` is a name of `COMPARISONS`."""

    value: Value
    by: str
    to: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether something is there at all, be it null."""

    lookup: Lookup
    wanted: bool


@dataclass(frozen=True, slots=True)
class Combined:
    """``all`` of the parts, or ``any`` of them."""

    how: Literal["all", "any"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of ``part``."""

    part: Condition


Condition: TypeAlias = Compare | Exists | Combined | Not


def holds(condition: Condition, scope: Scope) -> bool:
    """Raises `SandboxError` ``TEMPLATE_FAILED`` where a value is missing, or the two cannot be compared so."""
    match condition:
        case Compare():
            return COMPARISONS[condition.by](render(condition.value, scope), render(condition.to, scope))
        case Exists():
            return is_there(condition.lookup, scope) == condition.wanted
        case Combined(how="all"):
            return all(holds(part, scope) for part in condition.parts)
        case Combined():
            return any(holds(part, scope) for part in condition.parts)
        case Not():
            return not holds(condition.part, scope)


def values_of(condition: Condition) -> Iterator[tuple[str, Value]]:
    """Every value in ``condition``, with the path below it."""
    match condition:
        case Compare():
            yield ".value", condition.value
            yield f".{condition.by}", condition.to
        case Exists():
            yield ".value", condition.lookup
        case Combined():
            for index, part in enumerate(condition.parts):
                for below, value in values_of(part):
                    yield f".{condition.how}[{index}]{below}", value
        case Not():
            for below, value in values_of(condition.part):
                yield f".not{below}", value


def _equal(one: object, other: object) -> bool:
    """JSON's equality: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        left, right = cast(Mapping[str, object], one), cast(Mapping[str, object], other)
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        ours, theirs = cast(list[object], one), cast(list[object], other)
        return len(ours) == len(theirs) and all(map(_equal, ours, theirs))
    return one == other


def _ordered(test: Callable[[float, float], bool]) -> Callable[[object, object], bool]:
    """Numbers by size, texts by their code points; anything else cannot be compared so."""

    def compare(one: object, other: object) -> bool:
        if isinstance(one, (int, float)) and isinstance(other, (int, float)) and bool not in {type(one), type(other)}:
            return test(one, other)
        if isinstance(one, str) and isinstance(other, str):
            return test((one > other) - (one < other), 0)
        raise SandboxError(Code.TEMPLATE_FAILED, f"{kind(one)} and {kind(other)} have no order")

    return compare


def _contains(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return other in one
    if isinstance(one, (list, tuple)):
        return any(_equal(item, other) for item in cast(list[object], one))
    raise SandboxError(Code.TEMPLATE_FAILED, f"{kind(one)} contains nothing that {kind(other)} could be")


COMPARISONS: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "equals": _equal,
    "notEquals": lambda one, other: not _equal(one, other),
    "greaterThan": _ordered(lambda one, other: one > other),
    "atLeast": _ordered(lambda one, other: one >= other),
    "lessThan": _ordered(lambda one, other: one < other),
    "atMost": _ordered(lambda one, other: one <= other),
    "contains": _contains,
    "in": lambda one, other: _contains(other, one),
}
