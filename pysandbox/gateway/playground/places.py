"""From a JSON path to the line where it stands, so that a problem is shown beside what it is about.

Must not know: manifests' rules, files, HTTP.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from pysandbox.core.manifest_checks import join

_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))')
_LAST_STEP: Final = re.compile(r'(?:\.[A-Za-z_][A-Za-z0-9_]*|\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])\Z')


@dataclass(slots=True)
class _Open:
    """An object or array that has not ended: the path of its next member is ``at``, once its name is known."""

    path: str
    is_array: bool
    index: int = 0
    at: str = ""


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, of each member's name and of each element of an array. Of what is no JSON: up to the fault."""
    found = {"$": 1}
    opened: list[_Open] = []
    line, seen = 1, 0
    for token in _TOKEN.finditer(text):
        start = token.start(token.lastindex or 0)
        line, seen = line + text.count("\n", seen, start), start
        here = opened[-1] if opened else None
        word, sign = token[1], token[2]
        if here and here.is_array and sign not in ("]", ","):
            here.at = join(here.path, here.index)
            found.setdefault(here.at, line)
        if sign in ("{", "["):
            opened.append(_Open(here.at if here else "$", sign == "["))
        elif sign in ("}", "]") and here:
            opened.pop()
        elif sign == "," and here:
            here.index, here.at = here.index + 1, ""
        elif word and here and not here.is_array and not here.at:
            try:
                here.at = join(here.path, json.loads(word))
            except ValueError:
                break
            found.setdefault(here.at, line)
    return found


def line_of(path: str, text: str) -> int:
    """The line where ``path`` stands in ``text``; of what is missing, where it belongs; of no JSON, the fault's."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno
    except (RecursionError, ValueError):
        return 1
    known = lines_of(text)
    while path not in known:
        shorter = _LAST_STEP.sub("", path)
        if shorter == path:
            return 1
        path = shorter
    return known[path]
