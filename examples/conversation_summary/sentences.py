"""Splits chat messages into sentences: abbreviations, decimals, URLs, initials, lists, emoji and missing capitals.

The text is scanned once from left to right; what is not clearly an end is none. (Splitting too little costs a long
sentence in the summary; splitting too much costs its sense.)
"""

from __future__ import annotations

import re

# A run of end signs with what closes behind it, where white space or the text's end follows; CJK ends need no space.
# Runs are taken whole and once (possessive, and none begins inside another), so "!!!!!!!!x" costs its length.
_END = (
    r"(?<![.!?\u2026\u203d])[.!?\u2026\u203d]++[\"'\u2019\u201d\u00bb)\]*_]*+(?=\s|$)|[\u3002\uff01\uff1f]+|\n+")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u00ab]*$")
_SMILEY = re.compile(r"\s?(?::-?[)(DPp/|]|;-?\)|<3|xD)(?=\s|$)")
_EMOJI = (
    "[\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"  # pictures
    "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\u200d\u2640\u2642\U0001f000-\U0001faff]*")  # and what modifies them
_EMOJIS = re.compile(rf"\s?{_EMOJI}(?:\s?{_EMOJI})*")
_END_OR_EMOJIS = re.compile(rf"{_END}|{_EMOJIS.pattern}")

_LOOKBACK_CHARS = 24  # longer than any abbreviation

_CLOSERS = "\"'\u2019\u201d\u00bb)]*_"
_SIGNS = frozenset(".!?\u2026\u203d\u3002\uff01\uff1f")

# Abbreviations that never end a sentence, those that do not before a digit, and those that do before a capital.
_NEVER_ENDS = """
dr mr mrs ms mx prof st sen rep gov capt sgt hr fr messrs abs ca approx e.g i.e eg ie vs cf resp incl excl z.b d.h u.a
bzw ggf inkl zzgl max min tel ext std str
"""
_NUMBERED = "no nos nr art fig vol"
_MAY_END = """
etc inc ltd co corp jr sr a.m p.m am pm usw u.s u.k e.u jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu
fri sat sun gmbh
"""
NEVER_ENDS, NUMBERED, MAY_END = (frozenset(words.split()) for words in (_NEVER_ENDS, _NUMBERED, _MAY_END))


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text`` in order, white space at their ends removed."""
    found: list[str] = []
    start = 0
    for end in _ends(text):
        found.append(text[start:end])
        start = end
    found.append(text[start:])
    return [sentence for part in found if (sentence := " ".join(part.split()))]


def _ends(text: str) -> list[int]:
    """Where sentences end: behind their end sign and the emoji that belong to it."""
    ends: list[int] = []
    start = 0
    for match in _END_OR_EMOJIS.finditer(text):
        if match.start() < start:
            continue  # swallowed by the end before
        sign = match.group()
        if sign.strip()[:1] in _SIGNS:
            if not _ends_here(text, match, start):
                continue
        elif sign[0] != "\n" and not _starts_anew(text, match.end()):
            continue  # an emoji in the middle of a sentence
        start = _with_emoji(text, match.end())
        ends.append(start)
    return ends


def _ends_here(text: str, match: re.Match[str], start: int) -> bool:
    sign = match.group()
    bare = sign.rstrip(_CLOSERS)
    following = text[match.end():match.end() + 3].lstrip()[:1]
    if not following:
        return True
    if bare != sign and following.islower():
        return False  # 'it says "Error!" on the screen'
    if bare.startswith(("..", "\u2026")):
        return not following.islower()  # "well... maybe"
    if bare == ".":
        return _full_stop_ends(text[max(start, match.start() - _LOOKBACK_CHARS):match.start()], following)
    return True


def _full_stop_ends(before: str, following: str) -> bool:
    """Whether a single full stop behind ``before`` ends a sentence, when ``following`` is what comes next."""
    found = _WORD_BEFORE.search(before)
    word = found.group().lower() if found else ""
    if word in NUMBERED:
        return not following.isdigit()  # "no. 5" is one thing, "No. I did not." two
    if word in NEVER_ENDS:
        return False
    if word in MAY_END:
        return following.isupper() or not following.isalnum()
    if len(word) == 1 and word.isalpha():
        return word == "i"  # an initial, as in "J. Smith"
    if word.isdigit():
        return before.strip() != word and not following.islower()  # "1. First" opens a list; "am 3. mai"
    return True


def _starts_anew(text: str, at: int) -> bool:
    following = text[at:at + 3].lstrip()[:1]
    return not following or following.isupper()


def _with_emoji(text: str, at: int) -> int:
    """Behind the emoji and smileys that follow ``at`` on the same line: they colour what was said before them."""
    while match := _EMOJIS.match(text, at) or _SMILEY.match(text, at):
        at = match.end()
    return at
