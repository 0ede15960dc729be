"""Reading a JSON document that people write, manifest or flow: the value, or where and why it is no JSON.

Must not know: what the document is about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from pysandbox.core.errors import Problem, ProtocolViolation, SandboxError
from pysandbox.core.manifest_checks import not_finite, show
from pysandbox.core.strict_json import dumps, loads

_UNREADABLE: Final = {
    "json-too-long": ("is too long", "Shorten it."),
    "json-too-deep": ("nests too deep", "Flatten it to the documented shape."),
    "json-too-many-keys": ("has an object with too many keys", "Keep to the documented keys."),
    "json-duplicate-key": ("has an object with the same key twice: two readers may see two values", "Remove one."),
    "json-not-finite": ("holds NaN or an infinity, which are no JSON", "Write a finite number."),
    "json-number": ("holds a number of too many digits", "Write a smaller number."),
    "json-surrogate": ("holds half of a surrogate pair, which is no text", "Save the file as UTF-8."),
    "json-syntax": ("is no JSON", "Mend the syntax: double quotes, no trailing commas, no comments."),
}


def read_json(
    data: object, *, max_chars: int, refuse: Callable[[Sequence[Problem]], SandboxError]
) -> tuple[object, list[Problem]]:
    """The value in ``data`` (bytes, text, or a value already read), and what is known to be wrong with it already:
    numbers that are none, each at its place. Raises what ``refuse`` makes of the problem that ends the reading."""
    if isinstance(data, bytes) and len(data) > max_chars:
        raise refuse([_problem("json-too-long")])
    try:
        text = data.decode() if isinstance(data, bytes) else data if isinstance(data, str) else dumps(data)
    except UnicodeDecodeError as error:
        raise refuse([Problem("$", "is not UTF-8", "Save the file as UTF-8.")]) from error
    except SandboxError as error:
        raise refuse([Problem("$", f"is no JSON value: {error.message}", "Pass JSON.")]) from error
    try:
        return loads(text, max_chars=max_chars), []
    except ProtocolViolation as error:
        places = _not_finite(text) if error.rule == "json-not-finite" else []
        if places:
            return json.loads(text), places
        why = f": {error.__cause__}" if error.rule == "json-syntax" else ""
        raise refuse([_problem(error.rule, why)]) from error


def _not_finite(text: str) -> list[Problem]:
    """Where ``text`` holds NaN or an infinity. Its length, depth and digits were judged; a lenient reader may look."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return []
    cure = _UNREADABLE["json-not-finite"][1]
    return [Problem(path, f"{show(number)} is no JSON number", cure) for path, number in not_finite(value)]


def _problem(rule: str, more: str = "") -> Problem:
    what, cure = _UNREADABLE[rule]
    return Problem("$", what + more, cure)
