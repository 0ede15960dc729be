"""A comparison's JSON, read. Must not know: what comparing does."""

from __future__ import annotations

from typing import Final, cast

from pysandbox.core.flow.conditions import COMPARISONS, Combined, Compare, Condition, Exists, Not
from pysandbox.core.flow.reader import Reader
from pysandbox.core.flow.spec import MAX_CONDITION_DEPTH, MAX_RULES
from pysandbox.core.flow.templates import Lookup
from pysandbox.core.manifest_checks import join

_COMBINED: Final = ("all", "any", "not")
WAYS: Final = (*COMPARISONS, "exists", *_COMBINED)


def read_condition(value: object, path: str, reader: Reader, depth: int = 0) -> Condition | None:
    """The condition; None where ``reader`` found something wrong with it."""
    fields = reader.fields(value, path, required=(), optional=("value", *WAYS))
    if not isinstance(value, dict):
        return None
    how = [name for name in WAYS if name in fields]
    if len(how) != 1:
        reader.fault(path, f"compares in {len(how)} ways, not one", f"Write one of {', '.join(WAYS)}.")
        return None
    by, at = how[0], join(path, "value")
    if by in _COMBINED:
        if "value" in fields:
            reader.fault(at, f'has no meaning beside "{by}"', "Move it into the comparisons.")
        return _combined(by, fields[by], join(path, by), reader, depth)
    if "value" not in fields:
        reader.fault(at, "is missing", 'Add "value": what is compared, such as "{{session.tier}}".')
        return None
    return _compare(fields["value"], by, fields[by], path, reader)


def _compare(value: object, by: str, to: object, path: str, reader: Reader) -> Condition | None:
    left = reader.value(value, join(path, "value"))
    if by != "exists":
        return Compare(left, by, reader.value(to, join(path, by)))
    if not isinstance(left, Lookup) or not isinstance(to, bool):
        reader.fault(path, "asks of no template whether it is there", 'Write {"value": "{{a.b}}", "exists": true}.')
        return None
    return Exists(left, to)


def _combined(by: str, value: object, path: str, reader: Reader, depth: int) -> Condition | None:
    if depth == MAX_CONDITION_DEPTH:
        reader.fault(path, f"nests deeper than {MAX_CONDITION_DEPTH}", "Use more rules instead.")
        return None
    if by == "not":
        part = read_condition(value, path, reader, depth + 1)
        return None if part is None else Not(part)
    items = cast(list[object], value) if isinstance(value, list) else []
    if not 1 <= len(items) <= MAX_RULES:
        reader.fault(path, f"is no array of 1 to {MAX_RULES} comparisons", f'Write {{"{by}": [{{…}}, {{…}}]}}.')
        return None
    parts = [read_condition(item, join(path, index), reader, depth + 1) for index, item in enumerate(items)]
    found = tuple(part for part in parts if part is not None)
    return Combined("any" if by == "any" else "all", found) if len(found) == len(parts) else None
