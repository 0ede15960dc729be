"""The language as JSON Schema (2020-12), for editors: made from the table that the parser reads.

A schema knows the form of a block, not how blocks hang together: `pysandbox flow check` knows that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pysandbox.core.flow.condition_form import WAYS
from pysandbox.core.flow.conditions import COMPARISONS
from pysandbox.core.flow.run import ROOTS
from pysandbox.core.flow.spec import (
    BLOCK_ID,
    BLOCKS,
    CALL_FIELDS,
    COMMON,
    FLOW_FIELDS,
    FLOW_ID,
    MAX_BLOCKS,
    MAX_CALLS,
    MAX_NAMES,
    MAX_RULES,
    BlockSpec,
    Field,
)
from pysandbox.core.flow.templates import MAX_TEXT_CHARS
from pysandbox.core.manifest import FORMS

Schema = dict[str, object]
URI: Final = "https://json-schema.org/draft/2020-12/schema"
_PLUGIN: Final = rf"^(?:{FORMS['pluginId'].pattern.pattern})(?:@(?:{FORMS['version'].pattern.pattern}))?$"


def schema() -> Schema:
    """The schema of a whole flow."""
    return {
        "$schema": URI, "title": "pysandbox flow", "type": "object", "required": ["blocks"],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            **{name: _field(field) for name, field in FLOW_FIELDS.items()},
            "blocks": {
                "type": "array", "minItems": 1, "maxItems": MAX_BLOCKS, "items": {"$ref": "#/$defs/block"},
                "description": "The first block is the entry."},
        },
        "$defs": {
            "id": {"type": "string", "pattern": f"^(?!(?:{'|'.join(ROOTS)})$){BLOCK_ID}$"},
            "block": {
                "type": "object", "required": ["id", "type"],
                "properties": {"type": {"enum": list(BLOCKS)}},
                "allOf": [
                    {"if": {"properties": {"type": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}}
                    for name in BLOCKS]},
            **{name: _block(name, spec) for name, spec in BLOCKS.items()},
            "call": _object({"id": {"$ref": "#/$defs/id"}, **_fields(CALL_FIELDS)}, ["id", *_required(CALL_FIELDS)]),
            "rule": _object(
                {"when": {"$ref": "#/$defs/condition"}, "then": {"$ref": "#/$defs/id"}}, ["when", "then"]),
            "condition": _condition(),
        },
    }


def schema_text() -> str:
    """The schema as the file that ships."""
    return json.dumps(schema(), indent=2) + "\n"


def _block(name: str, spec: BlockSpec) -> Schema:
    common = {key: COMMON[key] for key in (("description",) if spec.terminal else COMMON)}
    properties = {"id": {"$ref": "#/$defs/id"}, "type": {"const": name}, **_fields({**spec.fields, **common})}
    found = _object(properties, ["id", "type", *_required(spec.fields)], spec.meaning)
    if not spec.terminal:
        found["dependentRequired"] = {"maxVisits": ["onExhausted"], "onExhausted": ["maxVisits"]}
    return found


def _object(properties: Mapping[str, object], required: list[str], meaning: str = "") -> Schema:
    found: Schema = {
        "type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}
    return {**found, "description": meaning} if meaning else found


def _fields(fields: Mapping[str, Field]) -> Schema:
    return {name: _field(field) for name, field in fields.items()}


def _required(fields: Mapping[str, Field]) -> list[str]:
    return [name for name, field in fields.items() if field.required]


def _field(field: Field) -> Schema:
    found: Schema = {**_of_kind(field), "description": field.meaning}
    return found if field.default is None else {**found, "default": field.default}


def _of_kind(field: Field) -> Schema:
    if field.kind == "number":
        return {"type": "integer", "minimum": field.low, "maximum": field.high}
    if field.kind == "choice":
        return {"enum": list(field.choices)}
    return _KINDS[field.kind]


_KINDS: Final[Mapping[str, Schema]] = {
    "target": {"$ref": "#/$defs/id"},
    "plugin": {"type": "string", "pattern": _PLUGIN},
    "handler": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.-]{0,63}$"},
    "flow": {"type": "string", "pattern": f"^{FLOW_ID}$"},
    "note": {"type": "string", "maxLength": MAX_TEXT_CHARS},
    "text": {"type": "string", "maxLength": MAX_TEXT_CHARS},
    "json": {},
    "object": {"type": "object", "maxProperties": MAX_NAMES, "propertyNames": {"pattern": f"^{BLOCK_ID}$"}},
    "calls": {"type": "array", "minItems": 1, "maxItems": MAX_CALLS, "items": {"$ref": "#/$defs/call"}},
    "rules": {"type": "array", "minItems": 1, "maxItems": MAX_RULES, "items": {"$ref": "#/$defs/rule"}},
}


def _condition() -> Schema:
    here, several = {"$ref": "#/$defs/condition"}, {"type": "array", "minItems": 1, "maxItems": MAX_RULES}
    properties: Schema = {
        "value": {"description": "What is compared, such as {{session.tier}}."},
        **{name: {} for name in COMPARISONS},
        "exists": {"type": "boolean"}, "all": {**several, "items": here}, "any": {**several, "items": here},
        "not": here}
    return {
        **_object(properties, []),
        "oneOf": [{"required": [name] if name in {"all", "any", "not"} else ["value", name]} for name in WAYS]}
