"""Redaction that fails closed: what is not known to be safe does not pass, and is counted.

Patterns of secrets are never complete (a name has none), so nothing is searched for here. A text keeps the words that
are listed (`SAFE_WORDS`, and the literals of the plugin's own log calls), small numbers, and punctuation; everything
else becomes one mark. Numbers keep two digits. A value therefore cannot hide in another format, encoding or language.

Must not know: records, plugins.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from math import floor, isfinite, log10
from typing import Final, NamedTuple, cast

from pysandbox.core.telemetry.safe_words import SAFE_WORDS

MARK: Final = "[redacted]"
MAX_TEXT_CHARS: Final = 300
MAX_FIELDS: Final = 20
_NAME_CHARS: Final = 64
_MOST_READ: Final = 4000
"""Characters of a text that are looked at; the rest is dropped unread."""
_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?|_+|\s+|[^\w\s]", re.UNICODE)
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]", re.UNICODE)
_SEPARATORS: Final = frozenset("=:,;()[]{}<>\"'|")
_PLAIN: Final = frozenset(".,:;!?'\"()[]{}<>=+-*/%|&#`~^$_…")
_UNITS: Final = frozenset({
    "ms", "s", "sec", "seconds", "minutes", "hours", "days", "kb", "mb", "gb", "bytes", "chars", "percent", "items",
    "rows", "px"})
_LABELS: Final = frozenset({
    "status", "code", "line", "http", "errno", "version", "generation", "level", "step", "attempt", "column"})
_SECRET: Final = re.compile(
    r"pass(word|wd|code|phrase)?|secret|token|auth|credential|cookie|session|ssn|social|mail|phone|mobile|address|"
    r"street|city|zip|postal|birth|name|card|cvv|cvc|iban|account|iban|tax|passport|licen[cs]e|pin|ip$", re.IGNORECASE)
_NOT_NAMES: Final = frozenset({"plugin_name", "handler_name", "field_name", "rule_name", "file_name", "filename"})


class Redacted(NamedTuple):
    """``masked``: how many pieces did not pass."""

    text: str
    masked: int


def keyed_hash(key: bytes, text: str) -> str:
    """An identifier that can be joined and not guessed: HMAC-SHA-256 (RFC 2104), as ``hmac-sha256:`` and 64 digits."""
    return "hmac-sha256:" + hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


class Redactor:
    """``words``: what may stand beside `SAFE_WORDS`, in lower case."""

    def __init__(self, words: frozenset[str] = frozenset()) -> None:
        self._words = words

    def text(self, text: str, max_chars: int = MAX_TEXT_CHARS) -> Redacted:
        """``text`` with what is not known to be safe masked, cut to ``max_chars``."""
        tokens = _TOKEN.findall(text[:_MOST_READ])
        parts: list[str] = []
        masked = int(len(text) > _MOST_READ)
        for begin, end in _pieces(tokens):
            failed = sum(not self._passes(tokens, at) for at in range(begin, end))
            if failed:
                masked += failed
                _mask(parts)
            else:
                parts += [" " if token.isspace() else token for token in tokens[begin:end]]
        shown = "".join(parts)
        return Redacted(shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…", masked)

    def fields(self, fields: Mapping[str, object]) -> tuple[dict[str, object], int]:
        """The fields of a log line, flat: values that hold others are counted, not read. And how much was masked."""
        kept: dict[str, object] = {}
        masked = max(0, len(fields) - MAX_FIELDS)
        for name, value in list(fields.items())[:MAX_FIELDS]:
            shown_name, shown, count = self._field(name, value)
            kept[shown_name] = shown
            masked += count
        return kept, masked

    def _field(self, name: str, value: object) -> tuple[str, object, int]:
        shown, masked = self.text(name, _NAME_CHARS)
        if masked:
            return MARK, MARK, 1 + masked
        if value is None or isinstance(value, bool):
            return shown, value, 0
        if _is_secret(name):
            return shown, MARK, 1
        if isinstance(value, int | float):
            return shown, rounded(value), 0
        if isinstance(value, str):
            text = self.text(value)
            return shown, text.text, text.masked
        held = f" ({len(cast('list[object]', value))} items)" if isinstance(value, list | dict) else ""
        return shown, MARK + held, 1

    def _passes(self, tokens: list[str], at: int) -> bool:
        token = tokens[at]
        if token[0].isdigit():
            return _is_small(tokens, at)
        if not token[0].isalpha():
            return token[0] in _PLAIN or token.isspace()
        if token.lower() in self._words:
            return True
        if not all(part.lower() in SAFE_WORDS or part.lower() in self._words for part in _CAMEL.findall(token)):
            return False
        # "Will Rose" is made of words: a capital is let through where a sentence or the text begins, or for all of it.
        return token[0].islower() or (token.isupper() and len(token) > 1) or _begins(tokens, at)


def rounded(number: float) -> float | None:
    """Two significant digits: enough for a figure, too few for an account. None for what is not finite."""
    if not isfinite(number):
        return None
    if not number:
        return 0
    return round(number, 1 - floor(log10(abs(number))))  # of a whole number, a whole one


def _pieces(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """What stands together: an address or a path passes as a whole or not at all."""
    begin = 0
    for at, token in enumerate(tokens):
        if token.isspace() or token in _SEPARATORS:
            if begin < at:
                yield begin, at
            yield at, at + 1
            begin = at + 1
    if begin < len(tokens):
        yield begin, len(tokens)


def _mask(parts: list[str]) -> None:
    """One mark for a run of them."""
    if parts and parts[-1] == " " and len(parts) > 1 and parts[-2] == MARK:
        parts.pop()
    if not parts or parts[-1] != MARK:
        parts.append(MARK)


def _is_small(tokens: list[str], at: int) -> bool:
    """A number of two digits, or one that a unit or label makes a figure; never one of a group of numbers."""
    token = tokens[at]
    if not token.isascii() or _has_digits(tokens, at, -1) or _has_digits(tokens, at, 1):
        return False
    digits = len(token.replace(".", ""))
    if _word(tokens, at, 1) in _UNITS:
        return digits <= 5
    return digits <= (3 if "." in token or _word(tokens, at, -1) in _LABELS else 2)


def _has_digits(tokens: list[str], at: int, step: int) -> bool:
    """Whether the next token that is a word or a number is a number, with nothing but signs between."""
    at += step
    while 0 <= at < len(tokens):
        if tokens[at][0].isdigit():
            return True
        if tokens[at][0].isalpha():
            return False
        at += step
    return False


def _word(tokens: list[str], at: int, step: int) -> str:
    at += step
    while 0 <= at < len(tokens) and (tokens[at].isspace() or tokens[at] in {":", "="}):
        at += step
    return tokens[at].lower() if 0 <= at < len(tokens) else ""


def _begins(tokens: list[str], at: int) -> bool:
    before = at - 1
    while before >= 0 and tokens[before].isspace():
        before -= 1
    return before < 0 or tokens[before] in {".", ":", "!", "?"}


def _is_secret(name: str) -> bool:
    return name.lower() not in _NOT_NAMES and _SECRET.search(name.replace("_", "").replace("-", "")) is not None
