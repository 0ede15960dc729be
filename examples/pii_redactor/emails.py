"""E-mail addresses: found at their "@", then read outwards a bounded way, so that time grows with the text alone.

International ones too (RFC 6531). What is refused: no dot in the domain (``admin@localhost``), a top-level domain with
a digit (``2@3.50``), a handle (``@support``).
"""

from __future__ import annotations

from spans import Span

MAX_LOCAL = 64  # RFC 5321, 4.5.3.1.1
MAX_DOMAIN = 255
_LOCAL_SIGNS = frozenset(".!#$%&'*+^_`{|}~-")  # RFC 5322's atext less "=", "/" and "?", which in chats separate


def find_emails(text: str) -> list[Span]:
    found: list[Span] = []
    at = text.find("@")
    while at >= 0:
        start = _local_start(text, at, found[-1].end if found else 0)
        end = _domain_end(text, at + 1)
        if start < at and end:
            found.append(Span(start, end))
        at = text.find("@", max(at + 1, end))
    return found


def _local_start(text: str, at: int, floor: int) -> int:
    start = at
    floor = max(floor, at - MAX_LOCAL)
    while start > floor and (text[start - 1].isalnum() or text[start - 1] in _LOCAL_SIGNS):
        start -= 1
    while start < at and not text[start].isalnum() and text[start] not in "_+":
        start += 1  # a quote or bracket that opens before the address is not part of it
    return start


def _domain_end(text: str, begin: int) -> int:
    """Where the domain that begins at ``begin`` ends; 0 if none does."""
    end = begin
    ceiling = min(len(text), begin + MAX_DOMAIN)
    while end < ceiling and (text[end].isalnum() or text[end] in ".-"):
        end += 1
    domain = text[begin:end].partition("..")[0]
    labels = domain.rstrip(".-").split(".")  # a full stop after the address ends the sentence
    while len(labels) > 1 and not _is_top_level(labels[-1]):
        # "mia@example.com-thanks", "mia@example.com.2 days later": what follows is no part of it
        last = labels.pop().partition("-")[0]
        if _is_top_level(last):
            labels.append(last)
    if len(labels) < 2 or not all(_is_label(label) for label in labels):
        return 0
    return begin + len(".".join(labels))


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-"


def _is_top_level(label: str) -> bool:
    return len(label) >= 2 and (label.isalpha() or label.lower().startswith("xn--"))
