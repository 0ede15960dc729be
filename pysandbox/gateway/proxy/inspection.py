"""What is odd about a request or an answer: its size, its method, its JSON, its type, what it seems to hold.

Findings name a kind and a place, never a value. What is done about them, if anything, is policy's to say.

Must not know: routes, sessions, counters.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import log2, sqrt
from typing import Final, cast
from urllib.parse import unquote_plus

from pysandbox.core import strict_json
from pysandbox.core.errors import ProtocolViolation
from pysandbox.gateway.proxy.media import MediaKind, kind_of
from pysandbox.gateway.proxy.sensitive import (
    looks_like_credential,
    looks_personal,
    looks_sensitive,
    named_credential,
    named_personal,
)

_WARM: Final = 30  # before so many requests nothing is unusual
_WEIGHT: Final = 0.02  # of the newest: some fifty requests make the picture
_SMALL_BYTES: Final = 4096  # nothing below is remarkable
_MOST_ROUTES: Final = 10_000


class Kind(StrEnum):
    """What can be odd. Stable: counters and alerts go by these."""

    UNUSUAL_SIZE = "unusual-size"
    UNEXPECTED_METHOD = "unexpected-method"
    MALFORMED_JSON = "malformed-json"
    DEEP_NESTING = "deep-nesting"
    TYPE_MISMATCH = "type-mismatch"
    PERSONAL_DATA = "personal-data"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True)
class Finding:
    """One odd thing. ``where``: ``method``, ``query``, ``body`` or ``answer``."""

    kind: Kind
    where: str


class Sizes:
    """The sizes of a route's bodies so far: a mean and a spread of their logarithms that forget slowly."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._variance = 0.0

    def add(self, size_bytes: int) -> None:
        value = log2(size_bytes + 1)
        self._count += 1
        weight = max(_WEIGHT, 1 / self._count)
        off = value - self._mean
        self._mean += weight * off
        self._variance = (1 - weight) * (self._variance + weight * off * off)

    def unusual(self, size_bytes: int) -> bool:
        """Larger than four times the usual, and than four standard deviations allow."""
        if self._count < _WARM or size_bytes <= _SMALL_BYTES:
            return False
        return log2(size_bytes + 1) > self._mean + max(2.0, 4 * sqrt(self._variance))


@dataclass(slots=True)
class Usual:
    """One route's history: told after each exchange, looked at before the next."""

    asked: Sizes = field(default_factory=Sizes)
    answered: Sizes = field(default_factory=Sizes)
    methods: Counter[str] = field(default_factory=Counter[str])

    def ask(self, method: str, size_bytes: int) -> None:
        """A request was let through."""
        self.methods[method] += 1
        self.asked.add(size_bytes)

    def unexpected(self, method: str) -> bool:
        """Whether a route that has been used for a while has never been used by ``method``."""
        return self.methods.total() >= _WARM and not self.methods[method]


class Histories:
    """By tenant and route; the least recently used one goes."""

    def __init__(self, *, max_routes: int = _MOST_ROUTES) -> None:
        self._max_routes = max_routes
        self._usual: OrderedDict[tuple[str, str], tuple[bytes, Usual]] = OrderedDict()

    def of(self, tenant: str, route: str, version: bytes) -> Usual:
        """The route's history; a new one where there is none yet, or the route was replaced."""
        kept = self._usual.get((tenant, route))
        if kept is None or kept[0] != version:
            kept = self._usual[tenant, route] = (version, Usual())
        self._usual.move_to_end((tenant, route))
        if len(self._usual) > self._max_routes:
            self._usual.popitem(last=False)
        return kept[1]


def inspect(
    *, method: str, query: str, content_type: str, body: bytes, usual: Usual | None = None
) -> tuple[Finding, ...]:
    """What is odd about a request, in a fixed order, each kind once for each place."""
    found: set[Finding] = set()
    if usual is not None and usual.unexpected(method):
        found.add(Finding(Kind.UNEXPECTED_METHOD, "method"))
    if usual is not None and usual.asked.unusual(len(body)):
        found.add(Finding(Kind.UNUSUAL_SIZE, "body"))
    if query:
        found.update(_held("query", unquote_plus(query), _form_fields(query)))
    if body:
        found.update(_body(content_type, body, "body", told=True))
    return _ordered(found)


def inspect_answer(*, content_type: str, body: bytes, usual: Usual | None = None) -> tuple[Finding, ...]:
    """What is odd about an answer. What it holds is masking's business."""
    found: set[Finding] = set()
    if usual is not None and usual.answered.unusual(len(body)):
        found.add(Finding(Kind.UNUSUAL_SIZE, "answer"))
    if body:
        found.update(_body(content_type, body, "answer", told=False))
    return _ordered(found)


def _ordered(found: set[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: (finding.kind, finding.where)))


def _body(content_type: str, body: bytes, where: str, *, told: bool) -> Iterator[Finding]:
    """``told``: whether what it holds matters, too."""
    kind = kind_of(content_type)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
        if kind != MediaKind.OTHER:
            yield Finding(Kind.TYPE_MISMATCH, where)
    if _misnamed(kind, text):
        yield Finding(Kind.TYPE_MISMATCH, where)
    values: list[object] = []
    if kind == MediaKind.JSON_LINES:
        for line in filter(str.strip, text.splitlines()):
            yield from _read(line, where, values)
    elif kind == MediaKind.JSON or _looks_like_json(text):
        yield from _read(text, where, values)
    if told:
        fields = _form_fields(text) if kind == MediaKind.FORM else list(_fields(values))
        # As it reads once it is decoded: an escape hides nothing.
        yield from _held(where, "\n".join(value for _, value in fields) if fields else text, fields)


def _form_fields(text: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in text.replace(";", "&").split("&")]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def _misnamed(kind: MediaKind, text: str) -> bool:
    if kind in {MediaKind.FORM, MediaKind.OTHER}:
        return _looks_like_json(text)
    return text.lstrip()[:1] == "<"


def _looks_like_json(text: str) -> bool:
    bare = text.strip()
    return (bare[:1], bare[-1:]) in {("{", "}"), ("[", "]")}


def _read(text: str, where: str, values: list[object]) -> Iterator[Finding]:
    """Adds the JSON in ``text`` to ``values``, or says what is wrong with it."""
    try:
        values.append(strict_json.loads(text, max_chars=len(text) * 2))
    except ProtocolViolation as error:
        deep = error.rule in {"json-too-deep", "json-too-many-keys"}
        yield Finding(Kind.DEEP_NESTING if deep else Kind.MALFORMED_JSON, where)


def _fields(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Each string and number with the key it stands under. ``value`` does not nest deep."""
    if isinstance(value, dict):
        for key, member in cast("dict[str, object]", value).items():
            yield from _fields(member, key)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _fields(item, name)
    elif isinstance(value, str):
        yield name, value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, str(value)


def _held(where: str, text: str, fields: list[tuple[str, str]]) -> Iterator[Finding]:
    names = {name for name, value in fields if value}
    suspect = looks_sensitive(text)
    if (suspect and looks_personal(text)) or any(map(named_personal, names)):
        yield Finding(Kind.PERSONAL_DATA, where)
    if (suspect and looks_like_credential(text)) or any(map(named_credential, names)):
        yield Finding(Kind.CREDENTIAL, where)
