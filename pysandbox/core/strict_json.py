"""JSON with nothing left to chance, for text that somebody else wrote.

Must not know: envelopes, manifests, transports.

The order matters. Length and nesting are judged by linear scans *before* the parser runs: under Pyodide
``json.loads("[" * 4000)`` ends the interpreter, and no ``except`` catches that. What the parser itself is lenient
about is then refused: a duplicate key (two readers may see two values), NaN and infinities (also as ``1e999``), lone
surrogates (they cannot be encoded, so they would blow up in a place that does not expect it), endless numbers
(quadratic time), and objects with very many keys (string hash seeds are public in a snapshot).

What `dumps` writes, `loads` reads back equal (tuples as lists). RFC 8259 and I-JSON (RFC 7493) are the base.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Collection
from functools import lru_cache
from itertools import accumulate
from math import isfinite
from typing import Final, cast

from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import default

MAX_CHARS: Final = default("messageChars")
MAX_DEPTH: Final = default("messageDepth")
MAX_KEYS: Final = default("keysPerObject")
MAX_DIGITS: Final = 308
"""Digits in a row of a number. 308 digits are always below the largest double, so JavaScript reads them as finite."""

_TOO_MANY_DIGITS: Final = b"0" * (MAX_DIGITS + 1)
_SHAPE: Final = bytes.maketrans(b"123456789{}E", b"000000000[]e")
_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]"'))
_STEPS: Final = bytes.maketrans(b"[] ", b"\x01\xff\x00")  # +1, as a signed byte -1, and 0
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_BLANK: Final = frozenset(" \t\n\r")
_STR: Final = frozenset({str})
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def loads(text: object, *, max_chars: int = MAX_CHARS, max_depth: int = MAX_DEPTH, max_keys: int = MAX_KEYS) -> object:
    """The value of the JSON ``text``.

    ``max_chars`` counts UTF-16 units, as JavaScript does, ``max_depth`` nested arrays and objects (a bare number has
    depth 0), ``max_keys`` the keys of one object.
    Raises `ProtocolViolation` for everything else, whatever the text: ``MESSAGE_LIMIT`` if it is too large or deep.
    """
    if not isinstance(text, str):
        raise ProtocolViolation("json-not-text")
    try:
        if len(text) > max_chars or _units(text) > max_chars:
            raise _too_large("json-too-long", f"longer than {max_chars} characters")
        shape = text.encode().translate(_SHAPE)
    except UnicodeEncodeError as error:
        raise ProtocolViolation("json-surrogate") from error
    _refuse_depth(shape, max_depth)
    if _has_endless_number(shape):
        raise ProtocolViolation("json-number")
    try:
        # Only a number with an exponent can still overflow; a hook for every float costs more than this look.
        value = _decoded(_decoder(max_keys, b"0e" in shape), text)
        if "\\u" in text and _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ProtocolViolation("json-surrogate") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation("json-syntax") from error
    return value


def check_depth(text: str, *, max_depth: int = MAX_DEPTH) -> None:
    """Linear, and nothing is parsed: for JSON that is only handed on. Raises `ProtocolViolation` as `loads` does."""
    try:
        _refuse_depth(text.encode().translate(_SHAPE), max_depth)
    except UnicodeEncodeError as error:
        raise ProtocolViolation("json-surrogate") from error


def dumps(value: object, *, max_chars: int = MAX_CHARS, max_depth: int = MAX_DEPTH, max_keys: int = MAX_KEYS) -> str:
    """Compact JSON of ``value``, with every bound of `loads`.

    Raises `SandboxError`: ``RESULT_NOT_JSON`` naming the place, or ``MESSAGE_LIMIT`` if it is too large or deep.
    """
    _refuse_non_json(value, max_chars, max_depth, max_keys)
    try:
        text = _encode(value)
        shape = text.encode().translate(_SHAPE)
    except UnicodeEncodeError as error:
        raise SandboxError(Code.RESULT_NOT_JSON, "a string holds a lone surrogate, which is no text") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise SandboxError(Code.RESULT_NOT_JSON, "the value holds NaN, an infinity or an endless number") from error
    if _units(text) > max_chars:
        raise _too_long(max_chars)
    if _has_endless_number(shape):
        raise SandboxError(Code.RESULT_NOT_JSON, f"a number has more than {MAX_DIGITS} digits")
    return text


def _units(text: str) -> int:
    """The length of ``text`` as JavaScript counts it: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _refuse_depth(shape: bytes, max_depth: int) -> None:
    if shape.count(b"[") <= max_depth:
        return
    # Two quotes that meet when all else is gone change nothing for what lies outside of strings: most vanish here.
    brackets = _outside_strings(_without_escapes(shape).translate(None, _NOT_STRUCTURE).replace(b'""', b""))
    if max(accumulate(array("b", brackets.translate(_STEPS))), default=0) > max_depth:
        raise _too_large("json-too-deep", f"nested deeper than {max_depth}")


def _has_endless_number(shape: bytes) -> bool:
    return _TOO_MANY_DIGITS in shape and _TOO_MANY_DIGITS in _outside_strings(_without_escapes(shape))


def _without_escapes(shape: bytes) -> bytes:
    """``shape`` with no quote left that does not open or close a string."""
    return shape.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in shape else shape


def _outside_strings(shape: bytes) -> bytes:
    """What lies outside of strings. Where the text is broken JSON the parser stops before this can be wrong."""
    return b" ".join(shape.split(b'"')[::2]) if b'"' in shape else shape


def _too_large(rule: str, what: str) -> ProtocolViolation:
    return ProtocolViolation(rule, f"the JSON text is {what}", Code.MESSAGE_LIMIT)


def _too_long(max_chars: int) -> SandboxError:
    return SandboxError(Code.MESSAGE_LIMIT, f"the value is longer than {max_chars} characters as JSON")


@lru_cache(maxsize=32)
def _decoder(max_keys: int, exponents: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_pairs_hook(max_keys), parse_constant=_refuse_constant,
        parse_float=_finite if exponents else None)


def _decoded(decoder: json.JSONDecoder, text: str) -> object:
    """As ``decoder.decode``, which looks for white space around the value by two regular expressions each time."""
    if text[:1] not in _BLANK:
        value, end = cast(tuple[object, int], decoder.raw_decode(text))
        if end == len(text):
            return value
    return cast(object, decoder.decode(text))


def _pairs_hook(max_keys: int) -> Callable[[list[tuple[str, object]]], dict[str, object]]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        if len(items) > max_keys:
            raise _too_large("json-too-many-keys", f"an object of more than {max_keys} keys")
        result = dict(items)
        if len(result) != len(items):
            raise ProtocolViolation("json-duplicate-key")
        return result

    return pairs


def _refuse_constant(_name: str) -> object:
    raise ProtocolViolation("json-not-finite")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ProtocolViolation("json-not-finite")
    return number


def _refuse_non_json(value: object, max_chars: int, max_depth: int, max_keys: int) -> None:
    """Level by level, so that neither depth nor a cycle nor shared parts (2^depth of them) cost more than the bound."""
    level: list[object] = [value]
    depth = seen = 0
    while level:
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                _refuse_keys(cast(dict[object, object], node), max_keys)
                children = cast(dict[object, object], node).values()
            elif isinstance(node, (list, tuple)):
                children = cast(Collection[object], node)
            elif isinstance(node, (str, int, float)) or node is None:
                continue
            else:
                raise SandboxError(Code.RESULT_NOT_JSON, f"{_where(value, node)} is a {type(node).__name__}: no JSON")
            if depth >= max_depth:
                raise SandboxError(Code.MESSAGE_LIMIT, f"the value nests deeper than {max_depth}, or contains itself")
            seen += len(children) + 1
            if seen > max_chars:
                raise _too_long(max_chars)
            if not _LEAVES.issuperset(map(type, children)):
                below += [child for child in children if type(child) not in _LEAVES]
        depth += 1
        level = below


def _refuse_keys(node: dict[object, object], max_keys: int) -> None:
    if len(node) > max_keys:
        raise SandboxError(Code.MESSAGE_LIMIT, f"an object has more than {max_keys} keys")
    for key in () if _STR.issuperset(map(type, node)) else node:
        if not isinstance(key, str):
            raise SandboxError(Code.RESULT_NOT_JSON, f"an object's key is of type {type(key).__name__}, not str")


def _where(root: object, wanted: object) -> str:
    """The path of ``wanted``, such as ``$.a[0]``: a second walk, so that a good value does not pay for paths."""
    level: list[tuple[str, object]] = [("$", root)]
    while level:
        for path, node in level:
            if node is wanted:
                return path
        below: list[tuple[str, object]] = []
        for path, node in level:
            if isinstance(node, dict):
                below += [(f"{path}.{key[:40]}", child) for key, child in cast(dict[str, object], node).items()]
            elif isinstance(node, (list, tuple)):
                below += [(f"{path}[{i}]", child) for i, child in enumerate(cast(list[object], node))]
        level = below
    return "a part"
