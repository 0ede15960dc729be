"""Whether a text looks as if it held somebody's personal data, or a credential.

The patterns run on RE2, whose time is linear in the text whatever stands in it (attack 78); what has a check digit is
counted only where that is right. A guess, made for counting and for routes that would rather refuse than leak.

Must not know: requests, routes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from pysandbox.gateway.proxy.masking import canonical_name

_compile: Final[Callable[[str], Any]] = importlib.import_module("re2").compile  # it has no types

_PERSONAL: Final = (
    r"\b[3-6](?:[ -]?[0-9]){12,18}\b", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD, _SSN, _IBAN = map(_compile, _PERSONAL)
_CREDENTIALS: Final = (
    r"\b(?i:bearer|basic) [A-Za-z0-9._~+/-]{16,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # a JWT
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", r"\bAIza[A-Za-z0-9_-]{35}", r"\bya29\.[A-Za-z0-9_-]{20,}",  # AWS, Google
    r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",  # Stripe, Slack
    r"\bgh[pousr]_[A-Za-z0-9]{36}", r"\bgithub_pat_[A-Za-z0-9_]{22,}", r"\bglpat-[A-Za-z0-9_-]{20}")
_CREDENTIAL: Final = _compile("|".join(_CREDENTIALS))
_EITHER: Final = _compile("|".join((*_PERSONAL, *_CREDENTIALS)))
_PERSONAL_NAMES: Final = frozenset({
    "accountnumber", "cardnumber", "creditcard", "creditcardnumber", "cvc", "cvv", "dateofbirth", "iban",
    "passportnumber", "socialsecuritynumber", "ssn", "taxid"})
_CREDENTIAL_NAMES: Final = frozenset({
    "accesstoken", "apikey", "apisecret", "authtoken", "authorization", "clientsecret", "passwd", "password",
    "privatekey", "refreshtoken", "secretkey", "sessiontoken"})
_MAX_NAME_CHARS: Final = 64


def looks_sensitive(text: str) -> bool:
    """Whether a closer look is worth it: one search for all that the two below look for."""
    return _EITHER.search(text) is not None


def looks_personal(text: str) -> bool:
    """A payment card, a bank account (IBAN) or a US social security number."""
    return (
        any(map(_is_card, _found(_CARD, text))) or any(map(_is_ssn, _found(_SSN, text)))
        or any(map(_is_iban, _found(_IBAN, text))))


def looks_like_credential(text: str) -> bool:
    """A token, key or password header in one of the forms in wide use."""
    return _CREDENTIAL.search(text) is not None


def named_personal(name: str) -> bool:
    """Whether a field of this name holds personal data, in any spelling of it."""
    return len(name) <= _MAX_NAME_CHARS and canonical_name(name) in _PERSONAL_NAMES


def named_credential(name: str) -> bool:
    """Whether a field of this name holds a credential, in any spelling of it."""
    return len(name) <= _MAX_NAME_CHARS and canonical_name(name) in _CREDENTIAL_NAMES


def _found(pattern: Any, text: str) -> Iterator[str]:
    return (cast(str, match.group()) for match in pattern.finditer(text))


def _is_card(text: str) -> bool:
    """ISO/IEC 7812-1 annex B, the Luhn check."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_ssn(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def _is_iban(text: str) -> bool:
    """ISO 13616: 1 modulo 97, letters as two digits."""
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1
