"""Two thousand messages, one half with somebody in them: many formats, countries, encodings, nested, split over fields.

Made by a seed, so the same each time. No value is anybody's: numbers have no owner, names are of the dead.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

NAMES = (
    "Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Srinivasa Ramanujan", "Zażółć Gęślą",
    "山田太郎", "Эмма Нётер", "محمد الخوارزمي", "Renée Descartes", "O'Neill Murphy", "Jean-Luc Ménard", "Nguyễn Văn An",
    "Μαρία Παπαδοπούλου", "Søren Ångström", "De la Cruz", "İbrahim Çelik")  # fmt: skip
DOMAINS = ("example.com", "mail.example.co.uk", "xn--bcher-kva.example", "post.example.de")
STREETS = ("Main Street 12", "12 rue de Rivoli", "Unter den Linden 77", "Via Roma 1", "5-2-1 Ginza")
TEMPLATES = (
    "customer {} called", "no account for {}", "{}", "cannot read {}: timeout", 'lookup failed: {{"who": "{}"}}',
    "user={} status=404", "retry 2 of 3 for {}", "<{}>", "value: {}; code 500")  # fmt: skip
CLEAN = (
    "scored the request in {n} ms", "retry {k} of 5", "cache hit, {k} entries", "upstream answered with status {s}",
    "timeout after {n} ms", "no route for this request", "connection closed by the upstream", "loaded model version 3",
    "queue is empty", "skipped {k} rows without a value", "memory pressure: freed {k} MB", "handler finished",
    "KeyError: 'score'", "the answer has no field tier", "rate limit reached, waiting {n} ms", "session expired",
    "breaker open for 30 s", "invalid payload: expected an object", "fallback to the default queue",
    "batch of {k} items accepted")  # fmt: skip


@dataclass(frozen=True)
class Message:
    """``payload``: what the plugin is called with; ``values``: what must be found nowhere afterwards."""

    how: str
    payload: Any
    values: tuple[str, ...]


def corpus(seed: int = 1, half: int = 1000) -> tuple[list[Message], list[Message]]:
    """Those with somebody in them, and the clean ones."""
    chance = random.Random(seed)
    return [_seeded(chance, at) for at in range(half)], [_clean(chance, at) for at in range(half)]


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _card(chance: random.Random) -> str:
    body = "4" + _digits(chance, 14)
    total = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(body))
    number = body + str(-total % 10)
    return chance.choice((number, " ".join(number[at:at + 4] for at in range(0, 16, 4)), "-".join(
        number[at:at + 4] for at in range(0, 16, 4))))


def _iban(chance: random.Random) -> str:
    number = f"DE{_digits(chance, 20)}"
    return chance.choice((number, " ".join(number[at:at + 4] for at in range(0, 22, 4))))


def _token(chance: random.Random) -> str:
    return base64.urlsafe_b64encode(chance.randbytes(24)).decode().rstrip("=")


KINDS: dict[str, Callable[[random.Random], str]] = {
    "name": lambda c: c.choice(NAMES),
    "e-mail": lambda c: f"{c.choice(('ada', 'g.hopper', 'katherine+crm', 'ünal'))}{_digits(c, 4)}@{c.choice(DOMAINS)}",
    "phone": lambda c: c.choice((
        f"+44 20 {_digits(c, 4)} {_digits(c, 4)}", f"({_digits(c, 3)}) {_digits(c, 3)}-{_digits(c, 4)}",
        f"0049-{_digits(c, 3)}-{_digits(c, 7)}", f"+1{_digits(c, 10)}", f"{_digits(c, 5)} {_digits(c, 6)}")),
    "card": _card,
    "iban": _iban,
    "national id": lambda c: c.choice((
        f"{_digits(c, 3)}-{_digits(c, 2)}-{_digits(c, 4)}", f"QQ{_digits(c, 6)}C",
        f"1 85 12 {_digits(c, 2)} {_digits(c, 3)}", f"{_digits(c, 8)}Z")),
    "token": _token,
    "jwt": lambda c: f"eyJhbGciOiJIUzI1NiJ9.{_token(c)}.{_token(c)}",
    "address": lambda c: f"{c.choice(STREETS)}, {_digits(c, 5)} {c.choice(('Springfield', 'München', '東京'))}",
    "birth date": lambda c: f"19{c.randint(10, 99)}-{c.randint(10, 12)}-{c.randint(10, 28)}",
    "ip": lambda c: c.choice((
        ".".join(str(c.randint(10, 255)) for _ in range(4)), f"2001:db8::{_digits(c, 4)}:{_digits(c, 4)}")),
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "upper": str.upper,
    "percent": lambda value: quote(value, safe=""),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "json": lambda value: json.dumps({"inner": {"value": value}}),
    "escaped": json.dumps,
    "reversed": lambda value: value[::-1],
    "full width": lambda value: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value),
}


def _seeded(chance: random.Random, at: int) -> Message:
    kind = list(KINDS)[at % len(KINDS)]
    encoding = list(ENCODINGS)[at // len(KINDS) % len(ENCODINGS)]
    value = KINDS[kind](chance)
    coded = ENCODINGS[encoding](value)
    text = chance.choice(TEMPLATES).format(coded)
    values = tuple({value, coded})
    way = ("log", "fields", "raise", "proxy", "split")[at % 5]
    if way == "fields":
        fields = {chance.choice(("who", "email", "note", "customer", "value")): coded, "deep": {"list": [coded]}}
        return Message("fields", {"text": "called", "fields": fields}, values)
    if way == "split":
        middle = max(6, len(value) // 2)
        halves = tuple(part for part in (value[:middle], value[middle:]) if len(part) > 5)
        return Message("fields", {
            "text": "split", "fields": {"first": value[:middle], "rest": value[middle:]}}, (*halves, value))
    return Message(way, {"text": text, "fields": {}}, values)


def _clean(chance: random.Random, at: int) -> Message:
    text = CLEAN[at % len(CLEAN)].format(
        n=chance.randint(1, 9999), k=chance.randint(1, 99), s=chance.choice((200, 404, 429, 500, 503)))
    return Message("log", {"text": text, "fields": {}}, ())
