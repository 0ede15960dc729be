"""Numbers as people write them: groups of digits with little between them, such as ``020 7946-0958``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SPACE = r"[ \u00a0\u202f\t]"
# Between two groups: hyphen or slash (spaces around them or not), a bracket, or a space or dot. No gap holds a digit,
# and digits are taken possessively, so there is one way to read a text, and time grows with its length alone.
_GAP = rf"(?:{_SPACE}?[-\u2010\u2011\u2013/]{_SPACE}?|{_SPACE}?\(|\)(?:{_SPACE}|[-./])?|{_SPACE}|\.)"
_RUN = re.compile(rf"(?<![^\W_])\d++(?:{_GAP}\d++)*(?![^\W_])")
_GROUP = re.compile(r"\d+")


class Group(NamedTuple):
    """``digits`` from ``start`` to ``end``; ``gap`` is what stands between it and the group before it."""

    digits: str
    start: int
    end: int
    gap: str

    @property
    def spaced(self) -> bool:
        """Whether white space stands before it."""
        return any(sign.isspace() for sign in self.gap)


def runs(text: str) -> Iterator[list[Group]]:
    """Each run of groups. A number that touches a letter (``A123``, ``12kg``) is no group."""
    for run in _RUN.finditer(text):
        groups: list[Group] = []
        for match in _GROUP.finditer(text, run.start(), run.end()):
            before = groups[-1].end if groups else match.start()
            groups.append(Group(match.group(), match.start(), match.end(), text[before:match.start()]))
        yield groups
