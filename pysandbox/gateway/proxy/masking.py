"""Fields that a plugin may not see are masked in an answer's body, at any depth and under any spelling (attack 79).

The body is read, masked, and written anew: what is shown is what was judged. A key that is there twice is there once
afterwards; an escape, an odd encoding or a content type that does not tell the truth hides nothing, because a body
that cannot be read is refused. JSON inside of strings is read as well, a few levels deep. A body so plain that its text
shows what reading it would is masked as text: see `masking_plain`.

Must not know: routes, HTTP clients.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, cast
from urllib.parse import quote_plus, unquote_plus

import msgspec

from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.strict_json import check_depth
from pysandbox.gateway.proxy.masking_plain import PlainMasker
from pysandbox.gateway.proxy.media import MediaKind, charset_fault, kind_of
from pysandbox.gateway.proxy.redaction import MARK as REDACTED
from pysandbox.gateway.proxy.redaction import redact as redact_bytes

NonJson = Literal["refuse", "pass"]

MASK: Final = "***"
"""What stands for a masked value, whatever it was."""
_LEVELS: Final = 4  # of JSON in strings in JSON
_MAX_KEYS: Final = default("keysPerObject")
_PLAIN, _HIDDEN, _LABEL, _VALUE = range(4)  # what a key may be
_ROLES: Final = (
    (_LABEL, frozenset({"name", "key", "field", "label", "attribute"})), (_VALUE, frozenset({"value", "values"})))
_STARTS: Final = frozenset('{["\ufeff \t\n\r')
_HINT: Final = re.compile(r'\s*(?:[\[{]|"[^{\[]*[\[{])')  # how JSON begins, or a JSON string with JSON in it
_NO_SIGNS: Final = {sign: None for sign in range(128) if not chr(sign).isalnum()}
_BREAKS: Final = re.compile(r"[.\[\]/:]+")
_CACHED_CHARS: Final = 64
_CACHED_KEYS: Final = 4096
_CACHED_SHAPES: Final = 512
_SHAPED_KEYS: Final = 64

# Numbers keep their digits: 1.10 stays 1.10, and no card number becomes a float.
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


class _NoJson(Exception):
    """Text that cannot be read as JSON."""


def mask_body(
    content_type: str, body: bytes, fields: Collection[str], *, redact: Sequence[bytes] = (),
    non_json: NonJson = "refuse",
) -> bytes:
    """``body`` without the values of ``fields`` (names in any spelling) and without what ``redact`` lists.

    Raises `SandboxError` ``UPSTREAM_REFUSED`` for a body that cannot be read as what it claims to be, and, unless
    ``non_json`` is ``pass``, for one that is neither JSON, JSON lines nor a form.
    """
    if not body.strip():
        return b""
    if charset_fault(content_type):
        raise refused("is not in UTF-8, and could not be masked")
    masker = _masker(tuple(fields))
    match kind_of(content_type):
        case MediaKind.JSON:
            return _json(body, masker, redact)
        case MediaKind.JSON_LINES:
            return _json_lines(body, masker, redact)
        case MediaKind.FORM:
            return redact_bytes(_form(body, masker, redact), redact)
        case MediaKind.OTHER:
            if non_json == "refuse":
                raise refused("is neither JSON nor a form, which this route refuses")
            return _disguised(body, masker, redact)


def canonical_name(name: str) -> str:
    """``credit_card``, ``creditCard``, ``CREDIT-CARD`` and full-width forms are one name."""
    if name.isascii():
        return name.lower().translate(_NO_SIGNS)
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def refused(why: str) -> SandboxError:
    """An answer that cannot be shown."""
    return SandboxError(Code.UPSTREAM_REFUSED, f"the upstream's answer {why}")


class _Shape(NamedTuple):
    """What the keys of an object are."""

    hidden: tuple[str, ...]
    labels: tuple[str, ...]
    values: tuple[str, ...]


class _Masker:
    """Masks values that were read from JSON. ``fields``: names in any spelling."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._names = frozenset(map(canonical_name, fields))
        self.plain = PlainMasker(sorted(self._names), mask=MASK, max_keys=_MAX_KEYS)
        for field in fields:
            self.plain.met(canonical_name(field), field)
        self._roles: dict[str, int] = {}
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def hides(self, key: str) -> bool:
        """Whether ``key``, or a part of a flattened path such as ``customer.ssn``, is one of the fields."""
        return self._role(key) == _HIDDEN

    def masked(self, value: object, levels: int = _LEVELS) -> object:
        """``value``, which is changed in place. ``levels``: how deep JSON in strings is read.

        Raises `SandboxError` ``UPSTREAM_REFUSED``.
        """
        if isinstance(value, str):
            return self.masked_text(value, levels) if value[:1] in _STARTS else value
        if isinstance(value, dict):
            self._object(cast("dict[str, object]", value), levels)
        elif isinstance(value, list):
            items = cast("list[object]", value)
            self._members(items, enumerate(items), levels)
        return cast(object, value)

    def masked_text(self, text: str, levels: int = _LEVELS) -> str:
        """A string that holds JSON is masked as JSON, and written anew; what only begins like it stays as it is."""
        if _HINT.match(text) is None:
            return text
        if not levels:
            raise refused("has JSON in strings in strings, too deep to be masked")
        try:
            inner = _read(text.encode())
        except _NoJson:
            return text
        return _encoder.encode(self.masked(inner, levels - 1)).decode()

    def _object(self, members: dict[str, object], levels: int) -> None:
        # Objects of one array have the same keys: what these are is found out once for all of them.
        keys = tuple(members)
        shape = self._shapes.get(keys) or self._shape(keys)
        for key in shape.hidden:
            members[key] = MASK
        for key in shape.labels:
            member = members[key]
            if isinstance(member, str) and canonical_name(member) in self._names:  # {"name": "ssn", "value": …}
                members.update(dict.fromkeys(shape.values, MASK))
        self._members(members, members.items(), levels)

    def _members(self, held: Any, members: Iterable[tuple[Any, Any]], levels: int) -> None:
        """Mask what is inside of an object's or an array's members. Most are plain: those cost one look, no call."""
        for at, member in members:
            kind: object = type(cast(object, member))
            if kind is str:
                if member[:1] in _STARTS:
                    held[at] = self.masked_text(member, levels)
            elif kind is dict:
                self._object(member, levels)
            elif kind is list:
                self._members(member, enumerate(cast("list[Any]", member)), levels)

    def _shape(self, keys: tuple[str, ...]) -> _Shape:
        if len(keys) > _MAX_KEYS:
            raise refused(f"has an object of more than {_MAX_KEYS} keys")
        roles = [(key, self._role(key)) for key in keys]
        hidden, labels, values = (
            tuple(key for key, role in roles if role == wanted) for wanted in (_HIDDEN, _LABEL, _VALUE))
        shape = _Shape(hidden, labels if values else (), values)
        if len(keys) <= _SHAPED_KEYS and len(self._shapes) < _CACHED_SHAPES and all(
            len(key) <= _CACHED_CHARS for key in keys
        ):
            self._shapes[keys] = shape
        return shape

    def _role(self, key: str) -> int:
        role = self._roles.get(key)
        if role is None:
            parts = frozenset(map(canonical_name, [key, *_BREAKS.split(key)]))
            role = next((role for role, names in ((_HIDDEN, self._names), *_ROLES) if names & parts), _PLAIN)
            if role == _HIDDEN:
                self.plain.met(min(self._names & parts), key)
            if len(key) <= _CACHED_CHARS and len(self._roles) < _CACHED_KEYS:
                self._roles[key] = role
        return role


_masker: Final = lru_cache(maxsize=256)(_Masker)


def _json(body: bytes, masker: _Masker, redact: Sequence[bytes]) -> bytes:
    plain = masker.plain.masked(body)
    if plain is not None and not _echoes(plain, redact):
        return plain
    try:
        value = masker.masked(_read(body))
    except _NoJson:
        raise refused("is not the JSON that it claims to be") from None
    written = _encoder.encode(value)
    if _echoes(written, redact):
        # Inside of strings, keys and numbers, so that it stays JSON; what spans more than one of them goes raw.
        written = redact_bytes(_encoder.encode(_redacted(value, redact)), redact)
    return written


def _json_lines(body: bytes, masker: _Masker, redact: Sequence[bytes]) -> bytes:
    return b"".join(_json(line, masker, redact) + b"\n" for line in body.splitlines() if line.strip())


def _read(body: bytes) -> object:
    """The JSON in ``body``. Depth is judged before anything is parsed. Raises `_NoJson`, or as `mask_body`."""
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
        check_depth(text)
        return cast(object, _decoder.decode(text))
    except ProtocolViolation:
        raise refused("nests too deep") from None
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError):
        raise _NoJson from None


def _echoes(written: bytes, redact: Sequence[bytes]) -> bool:
    """Whether one of ``redact`` may be in there; in JSON inside of strings it is escaped once more."""
    if any(form in written for form in redact):
        return True
    bare = written.replace(b"\\", b"") if b"\\\\" in written else b""
    return bool(bare) and any(form.replace(b"\\", b"") in bare for form in redact)


def _redacted(value: object, redact: Sequence[bytes]) -> object:
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {_clean(key, redact): _redacted(member, redact) for key, member in members.items()}
    if isinstance(value, list):
        return [_redacted(item, redact) for item in cast("list[object]", value)]
    if isinstance(value, str):
        return _clean(value, redact)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        written = _encoder.encode(value)
        return REDACTED.decode() if any(form in written for form in redact) else value
    return value


def _clean(text: str, redact: Sequence[bytes]) -> str:
    return redact_bytes(text.encode(), redact).decode(errors="replace")


def _form(body: bytes, masker: _Masker, redact: Sequence[bytes]) -> bytes:
    """RFC 1866's form; ``;`` separates as well, as some servers write and read it."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise refused("is not the form that it claims to be") from None
    return "".join(
        piece if piece in {"&", ";"} else _pair(piece, masker, redact) for piece in re.split("([&;])", text)).encode()


def _pair(pair: str, masker: _Masker, redact: Sequence[bytes]) -> str:
    name, equals, value = pair.partition("=")
    plain_name, plain_value = unquote_plus(name), unquote_plus(value)
    if masker.hides(plain_name):
        return f"{name}={MASK}"
    shown = _clean(masker.masked_text(plain_value), redact)
    shown_name = _clean(plain_name, redact)
    if (shown_name, shown) == (plain_name, plain_value):
        return pair
    return f"{quote_plus(shown_name)}{equals}{quote_plus(shown)}"


def _disguised(body: bytes, masker: _Masker, redact: Sequence[bytes]) -> bytes:
    """A body of another kind, which the route lets through; JSON under a false name is masked all the same."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in {b"{", b"["}:
        readings: tuple[Callable[[], bytes], ...] = (
            lambda: _json(body, masker, redact), lambda: _json_lines(body, masker, redact))
        for reading in readings:
            try:
                return reading()
            except SandboxError:
                continue
    return redact_bytes(body, redact)
