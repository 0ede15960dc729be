"""JSON files that people write by hand: read with bounds, and refused with the place of the mistake."""

from __future__ import annotations

import json
from pathlib import Path

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError

MAX_BYTES = strict_json.MAX_CHARS


def read_json_file(path: Path, *, max_bytes: int = MAX_BYTES) -> object:
    """The JSON value in ``path``. Raises `SandboxError` ``INPUT_INVALID`` that names file, line and column."""
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise _refused(path, f"is larger than {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8-sig"))
        raise _refused(path, f"is not UTF-8 at line {line}, column {column}") from error
    try:
        return strict_json.loads(text, max_chars=max_bytes)
    except SandboxError as error:
        raise _refused(path, _why(text) or f"is refused: {error.message}") from error


def _why(text: str) -> str:
    """Where a syntax error stands; "" when the syntax is right and another rule is broken."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except (RecursionError, ValueError):  # too deep, or a number too long: the strict reader's message says it
        return ""
    return ""


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _refused(path: Path, why: str) -> SandboxError:
    return SandboxError(Code.INPUT_INVALID, f"{path} {why}")
