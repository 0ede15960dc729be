"""``docs/flow-blocks.md``: every block and field, from the table that the parser reads."""

from __future__ import annotations

from collections.abc import Mapping

from pysandbox.core.flow.spec import BLOCKS, CALL_FIELDS, COMMON, FLOW_FIELDS, Field


def blocks_page() -> str:
    """The page, without its header."""
    return "\n".join([
        "# Blocks of a flow\n",
        "What each block is for is in [flows](flows.md). The same table as JSON Schema, for editors:",
        "[flow.schema.json](flow.schema.json).\n",
        "## The flow itself\n",
        *_table(FLOW_FIELDS),
        "Every block has an `id` (letters, digits, `_` and `-`) and a `type`, one of those below. Besides:\n",
        *_table(COMMON),
        "`maxVisits` and `onExhausted` are not for the blocks that end a flow.\n",
        *(line for name, spec in BLOCKS.items()
          for line in (f"## {name}\n", f"{spec.meaning}\n", *_table(spec.fields))),
        "## A call of `parallel`\n",
        "Has an `id` too, by which templates find its outcome.\n",
        *_table(CALL_FIELDS),
    ]).rstrip() + "\n"


def _table(fields: Mapping[str, Field]) -> list[str]:
    return ["| field | | value | what it is |", "|---|---|---|---|",
            *(f"| `{name}` | {_needed(field)} | {_value(field)} | {field.meaning} |" for name, field in fields.items()),
            ""]


def _needed(field: Field) -> str:
    if field.required:
        return "required"
    return "" if field.default is None else f"default `{field.default}`"


def _value(field: Field) -> str:
    if field.kind == "number":
        return f"{field.low} to {field.high}"
    if field.kind == "choice":
        return " or ".join(f"`{choice}`" for choice in field.choices)
    return {
        "target": "a block's id", "plugin": "`id` or `id@version`", "handler": "a name", "flow": "an id",
        "note": "a text", "text": "a text, with templates", "json": "any JSON, with templates",
        "object": "an object, with templates",
        "calls": "1 to 8 calls", "rules": "1 to 20 rules",
    }[field.kind]
