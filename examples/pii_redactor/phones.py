"""Phone numbers as customers write them, and not the order numbers, dates and amounts beside them.

A number with a country code is one by its form. A national one is ambiguous, so it needs a form that is common
(a leading 0, or North America's 3-3-4) and must not be introduced as something else ("order no. 0171 123456").
"""

from __future__ import annotations

import re
from itertools import accumulate

from groups import Group, runs
from spans import Span

MAX_GROUPS = 10
NATIONAL_DIGITS = range(9, 13)  # the leading 0 included
MIN_DIGITS, MAX_DIGITS = 7, 18  # of any form, with "00" or "(0)"
CONTEXT_CHARS = 40

# Digits behind the country code, where they are few and known: what follows such a number is not part of it.
_AFTER_CODE = {
    "1": (10,), "7": (10,), "31": (9,), "32": (8, 9), "33": (9,), "34": (9,), "41": (9,), "44": (9, 10), "45": (8,),
    "47": (8,), "48": (9,), "61": (9,), "65": (8,), "81": (9, 10), "86": (10, 11), "91": (10,), "351": (9,),
    "353": (7, 8, 9)}
# E.164 country codes of two digits; what begins otherwise (save with 1 or 7) has a code of three.
_TWO_DIGITS = frozenset(
    {"20", "27", "36", "39", "40", "41", "81", "82", "84", "86", "98", *map(str, range(30, 35)),
     *map(str, range(43, 50)), *map(str, range(51, 59)), *map(str, range(60, 67)), *map(str, range(90, 96))})
_THREE_DIGITS = frozenset(
    {"21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87",
     "88", "96", "97", "99"})

# What a number is called just before it, with nothing but filler between.
_OTHER = re.compile(
    r"\b(?:orders?|invoice|ticket|case|ref|reference|tracking|parcel|shipment|booking|reservation|customer|client|"
    r"account|contract|policy|article|item|sku|serial|model|part|product|version|pin|vat|isbn|bestellung|"
    r"bestellnummer|rechnung|kundennummer|vorgang)\b"
    r"(?:\s|[:#.,'\"(=-]|no\b|nr\b|num\b|number\b|code\b|id\b|is\b|was\b)*+$", re.IGNORECASE)
_PHONE = re.compile(
    r"\b(?:call|phone|telephone|tel|mobile|cell|cellphone|ring|dial|text|sms|whatsapp|fax|handy|telefon|landline|"
    r"reach)\b\D*$", re.IGNORECASE)

_AMOUNT = re.compile(r"[.,]\d|\s?[%€$£]")


def find_phones(text: str) -> list[Span]:
    """Phone numbers, none of which overlaps another."""
    found: list[Span] = []
    for groups in runs(text):
        first = count = 0
        while first < len(groups):
            may_begin = first == 0 or count > 0 or groups[first].spaced  # else: inside of 2024-0171-123456
            count = _phone_groups(text, groups[first:first + MAX_GROUPS]) if may_begin else 0
            if count:
                found.append(_span(text, groups[first].start, groups[first + count - 1].end))
            first += max(1, count)
    return found


def _phone_groups(text: str, groups: list[Group]) -> int:
    """How many groups from the first on make a phone number, the most that do; 0 if none."""
    start = groups[0].start
    before = text[max(0, start - CONTEXT_CHARS):start]
    plus = before.rstrip("(").endswith("+")
    if not plus and groups[0].digits[0] != "0" and len(groups[0].digits) not in (1, 3, 10):
        return 0  # begins like nothing that is known without a "+"
    sizes = list(accumulate(len(group.digits) for group in groups))
    for count in range(len(groups), 0, -1):
        if MIN_DIGITS <= sizes[count - 1] <= MAX_DIGITS and _is_phone(text, groups, count, before, plus):
            return count
    return 0


def _is_phone(text: str, groups: list[Group], count: int, before: str, plus: bool) -> bool:
    """Whether the first ``count`` groups are one phone number, and all of it."""
    part, rest = groups[:count], groups[count:]
    if rest and not (rest[0].spaced or rest[0].gap in ("/", ")", "(")):
        return False  # it goes on: 212.555.0132.44
    if not _has_even_end(part) or _is_amount(text, part[-1].end):
        return False
    digits = _digits(part)
    return _is_international(digits) if plus else _is_domestic(part, digits, before)


def _span(text: str, start: int, end: int) -> Span:
    """With the "+" before the number, and an opening bracket that is closed within it."""
    while start and (text[start - 1] == "+" or (text[start - 1] == "(" and ")" in text[start:end])):
        start -= 1
    return Span(start, end)


def _is_domestic(groups: list[Group], digits: str, before: str) -> bool:
    """A number without a "+", which must not be introduced as something else."""
    if before.endswith("#") or _OTHER.search(before):
        return False
    if digits.startswith("00"):
        return _is_international(digits[2:])
    called_phone = _PHONE.search(before) is not None
    return _is_north_american(groups, digits, called_phone) or _is_national(groups, digits, called_phone)


def _is_international(digits: str) -> bool:
    """A country code and a number of a length that is in use there; E.164 allows 15 digits in all."""
    code = digits[:1] if digits[:1] in ("1", "7") else digits[:2] if digits[:2] in _TWO_DIGITS else digits[:3]
    if len(code) == 3 and code[:2] not in _THREE_DIGITS:
        return False
    rest = digits[len(code):]
    if code != "39":  # only Italy keeps its 0 abroad; others write it by mistake, as in +44 020
        rest = rest.removeprefix("0")
    if code == "1" and not _is_nanp(rest):
        return False
    lengths = _AFTER_CODE.get(code, range(7 if len(code) == 2 else 5, 16 - len(code)))
    return len(rest) in lengths and (rest[0] != "0" or code == "39")


def _is_national(groups: list[Group], digits: str, called_phone: bool) -> bool:
    if len(digits) not in NATIONAL_DIGITS or digits[0] != "0" or groups[0].digits == "0" or _is_date(groups):
        return False
    return len(groups) > 1 or len(digits) in (10, 11) or called_phone


def _is_north_american(groups: list[Group], digits: str, called_phone: bool) -> bool:
    """Grouped 3-3-4, with a 1 before it or not; ten digits in one piece if they are called a phone number."""
    sizes = [len(group.digits) for group in groups]
    if sizes == [1, 3, 3, 4]:
        return digits[0] == "1" and _is_nanp(digits[1:])
    return (sizes == [3, 3, 4] or (sizes == [10] and called_phone)) and _is_nanp(digits)


def _is_nanp(digits: str) -> bool:
    """Ten digits with area and exchange from 200 (North American Numbering Plan)."""
    return len(digits) == 10 and digits[0] not in "01" and digits[3] not in "01"


def _digits(groups: list[Group]) -> str:
    """The digits to dial: the 0 of ``+44 (0)20`` is dropped, which nobody dials from abroad."""
    return "".join(
        "" if at in (1, 2) and group.digits == "0" and group.gap.endswith("(") else group.digits
        for at, group in enumerate(groups))


def _has_even_end(groups: list[Group]) -> bool:
    """A short last group belongs to a number only behind a hyphen (an extension) or among pairs: not "0958 2 items"."""
    if len(groups) == 1 or len(groups[-1].digits) > 2 or "-" in groups[-1].gap.strip():
        return True
    return len(groups) > 2 and {len(group.digits) for group in groups[2:]} == {2}


def _is_amount(text: str, end: int) -> bool:
    """Whether the number goes on behind ``end`` as a decimal, or is followed by what it counts."""
    return _AMOUNT.match(text, end) is not None


def _is_date(groups: list[Group]) -> bool:
    """Whether it begins as a date does (01.02.2024, 1-2-24), and is not all pairs (01.42.68.53.00)."""
    if len(groups) < 3 or groups[1].gap != groups[2].gap or groups[1].gap not in (".", "/", "-"):
        return False
    if len(groups) > 3 and groups[3].gap == groups[1].gap:
        return False
    day, month = groups[0].digits, groups[1].digits
    return len(day) <= 2 and len(month) <= 2 and int(day) <= 31 and int(month) <= 31
