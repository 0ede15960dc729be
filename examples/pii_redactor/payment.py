"""Payment cards and bank accounts. Both carry a checksum, so what is masked is hardly ever something else."""

from __future__ import annotations

import re

from groups import Group, runs
from spans import Span

CARD_DIGITS = range(12, 20)  # ISO/IEC 7812
_FIRST_DIGITS = frozenset("23456")
_IBAN_START = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}")

# Length of an IBAN by country (SWIFT's IBAN registry).
_IBAN_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32
LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24
RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
IBAN_LENGTH = {item[:2]: int(item[2:]) for item in _IBAN_LENGTHS.split()}


def find_ibans(text: str) -> list[Span]:
    """IBANs whose length fits their country and whose checksum (ISO 7064, mod 97-10) holds."""
    found: list[Span] = []
    for match in _IBAN_START.finditer(text):
        length = IBAN_LENGTH.get(match.group()[:2].upper())
        if length is None or (found and match.start() < found[-1].end):
            continue
        signs, end = _collect(text, match.start(), length)
        if len(signs) == length and not text[end:end + 1].isalnum() and mod97(signs) == 1:
            found.append(Span(match.start(), end))
    return found


def _collect(text: str, start: int, count: int) -> tuple[str, int]:
    """Up to ``count`` ASCII letters and digits from ``start`` on, single spaces or hyphens between them skipped."""
    signs: list[str] = []
    at = start
    while at < len(text) and len(signs) < count:
        sign = text[at]
        if sign.isascii() and sign.isalnum():
            signs.append(sign)
        elif sign not in " -\u00a0" or text[at - 1] in " -\u00a0":
            break
        at += 1
    return "".join(signs), at


def mod97(iban: str) -> int:
    """The IBAN's number modulo 97, letters as 10 to 35; 1 for a valid one."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97


def find_cards(text: str) -> list[Span]:
    """Card numbers by network prefix, length and Luhn's checksum, in one piece or grouped as cards are printed."""
    found: list[Span] = []
    for groups in runs(text):
        first = 0
        while first < len(groups):
            count = _card_groups(groups[first:first + max(CARD_DIGITS)])
            if count:
                found.append(Span(groups[first].start, groups[first + count - 1].end))
            first += max(1, count)
    return found


def _card_groups(groups: list[Group]) -> int:
    """How many groups from the first on make a card number, the most that do; 0 if none."""
    if groups[0].digits[0] not in _FIRST_DIGITS:
        return 0
    best, digits, sizes = 0, "", list[int]()
    for count, group in enumerate(groups, 1):
        digits += group.digits
        sizes.append(len(group.digits))
        if len(digits) > max(CARD_DIGITS) or (count > 1 and group.gap not in (" ", "-", "\u00a0", ".")):
            break
        if len(digits) in CARD_DIGITS and _is_printed_so(sizes) and is_card(digits):
            best = count
    return best


def _is_printed_so(sizes: list[int]) -> bool:
    """One piece, 4-6-5 or 4-6-4, or equal groups with a last one that may be shorter."""
    return sizes[1:] in ([6, 5], [6, 4]) or (len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0])


def is_card(digits: str) -> bool:
    return len(digits) in CARD_DIGITS and _has_network(digits) and luhn(digits)


def luhn(digits: str) -> bool:
    """Luhn's checksum (ISO/IEC 7812-1, annex B)."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def _has_network(digits: str) -> bool:
    head, size = int(digits[:4]), len(digits)
    return any(low <= head <= high and size in sizes for low, high, sizes in _NETWORKS)


# First four digits from, to, and the lengths in use.
_NETWORKS = (
    (4000, 4999, (13, 16, 19)),  # Visa
    (5100, 5599, (16,)), (2221, 2720, (16,)),  # Mastercard
    (3400, 3499, (15,)), (3700, 3799, (15,)),  # American Express
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (3000, 3059, (14, 16)), (3600, 3699, range(14, 20)), (3800, 3999, (14, 16)),  # Diners Club
    (6011, 6011, range(16, 20)), (6440, 6599, range(16, 20)),  # Discover
    (6200, 6299, range(16, 20)),  # UnionPay
    (5000, 5099, range(12, 20)), (5600, 5899, range(12, 20)), (6300, 6399, range(12, 20)),
    (6700, 6799, range(12, 20)),  # Maestro
    (2200, 2204, range(16, 20)),  # Mir
)
