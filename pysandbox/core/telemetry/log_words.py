"""The words that a plugin's own source puts into its log: they were there before any customer was, so they may pass.

Only literals of calls that log, raise or report count, and the names of their fields: a plugin's other text may be a
list of people. Made by the gateway, which has the source at hand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

MAX_WORDS: Final = 2000
MAX_SOURCE_CHARS: Final = 1_000_000
_CALLS: Final = frozenset({"debug", "info", "warning", "error", "print", "progress", "emit"})
_WORD: Final = re.compile(r"[^\W\d_]{2,24}")


def log_words(sources: Iterable[str]) -> list[str]:
    """The words of ``sources`` (Python files), sorted, in lower case; a file that does not parse has none."""
    found: set[str] = set()
    for source in sources:
        for text in _literals(source[:MAX_SOURCE_CHARS]):
            found.update(word.lower() for word in _WORD.findall(text))
    return sorted(found)[:MAX_WORDS]


def _literals(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _CALLS:
            yield from _texts(node.args)
            yield from (word.arg for word in node.keywords if word.arg)
            yield from _texts([word.value for word in node.keywords])
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from _texts(node.exc.args)


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _texts(values: Iterable[ast.expr]) -> Iterator[str]:
    """Literals that stand there themselves, or as the fixed parts of an f-string; not what is looked up or computed."""
    for value in values:
        parts = value.values if isinstance(value, ast.JoinedStr) else [value]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value
