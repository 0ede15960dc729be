"""What a detector finds, and the text that is left for the next one."""

from __future__ import annotations

from typing import NamedTuple

HIDDEN = "\0"  # stands where something was found: neither a letter nor a digit, and never part of a match


class Span(NamedTuple):
    """``text[start:end]``, in code points."""

    start: int
    end: int


def without(text: str, spans: list[Span]) -> str:
    """``text`` of the same length with the spans hidden, so that no later detector reads them again."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += (text[at:start], HIDDEN * (end - start))
        at = end
    return "".join((*parts, text[at:]))
