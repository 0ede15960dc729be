"""A flow's JSON, read by the language's table: each block as far as it is good, and everything wrong with its form.

Must not know: how blocks hang together (`pysandbox.core.flow.check`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pysandbox.core.flow.builders import build
from pysandbox.core.flow.reader import FLOW_FORM, NOTE_FORM, Draft, Reader
from pysandbox.core.flow.spec import BLOCKS, COMMON, FLOW_FIELDS, MAX_BLOCKS
from pysandbox.core.manifest_checks import join, kind


@dataclass(slots=True)
class Parsed:
    """A flow's parts; of use as a flow only if there are no problems."""

    name: str
    sla_ms: int
    drafts: list[Draft]


def parse(value: object, reader: Reader) -> Parsed:
    """The flow in the JSON ``value``; ``reader`` has what is wrong with its form."""
    members = reader.fields(value, "$", required=("blocks",), optional=("$schema", *FLOW_FIELDS))
    name = reader.text(members, "$", "name", FLOW_FORM) or ""
    reader.text(members, "$", "description", NOTE_FORM)
    sla_ms = reader.number(members, "$", "slaMs", FLOW_FIELDS["slaMs"])
    blocks = members.get("blocks", [])
    at = "$.blocks"
    if not isinstance(blocks, list):
        reader.fault(at, f"is {kind(blocks)}, not an array", "Write an array of blocks, the entry first.")
        return Parsed(name, sla_ms, [])
    items = cast(list[object], blocks)
    if "blocks" in members and not 1 <= len(items) <= MAX_BLOCKS:
        reader.fault(at, f"has {len(items)} blocks", f"Write from 1 to {MAX_BLOCKS} blocks, the entry first.")
        return Parsed(name, sla_ms, [])
    return Parsed(name, sla_ms, [_block(item, join(at, index), reader) for index, item in enumerate(items)])


def _block(value: object, path: str, reader: Reader) -> Draft:
    draft, before = Draft(path), len(reader.problems)
    if not isinstance(value, dict):
        reader.fault(path, f"is {kind(value)}, not an object", "Write a block: {…}")
        return draft
    given = cast(dict[str, object], value)
    type_name = given.get("type")
    spec = BLOCKS.get(type_name) if isinstance(type_name, str) else None
    if spec is None:
        _unknown(given, path, reader)
        draft.id = reader.block_id(given, path)
        return draft
    fields = {**spec.fields, **{name: COMMON[name] for name in (("description",) if spec.terminal else COMMON)}}
    members = reader.fields(given, path, required=("id",), optional=("type", *fields))
    reader.missing(members, path, spec.fields)
    draft.id, draft.type = reader.block_id(members, path), cast(str, type_name)
    for name, field in fields.items():
        if field.kind == "target":
            reader.target(members, path, name, name, draft)
    reader.text(members, path, "description", NOTE_FORM)
    _bound(members, draft, reader)
    block = build(members, draft, reader)
    draft.longest_ms = block.longest_ms
    draft.block = block if len(reader.problems) == before else None
    return draft


def _bound(members: Mapping[str, object], draft: Draft, reader: Reader) -> None:
    """``maxVisits`` and ``onExhausted``, which belong together."""
    if "maxVisits" in members:
        draft.max_visits = reader.number(members, draft.path, "maxVisits", COMMON["maxVisits"])
    if ("maxVisits" in members) != ("onExhausted" in members):
        here, there = ("maxVisits", "onExhausted") if "maxVisits" in members else ("onExhausted", "maxVisits")
        reader.fault(join(draft.path, there), f'is missing beside "{here}"', f'Write both, or remove "{here}".')


def _unknown(members: Mapping[str, object], path: str, reader: Reader) -> None:
    """What is wrong with a block of no known type."""
    if "type" not in members:
        reader.fault(join(path, "type"), "is missing", f'Add "type": one of {", ".join(BLOCKS)}.')
    else:
        reader.choice(members, path, "type", tuple(BLOCKS))


def canonical(value: object) -> bytes:
    """The flow's JSON in one spelling, for its digest."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
