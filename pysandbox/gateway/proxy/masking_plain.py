"""Masking of JSON as the text that it is, where that text is plain: a fifth of what reading and writing it costs.

Plain is JSON in ASCII without a backslash: there each quote begins or ends a string, and no string holds JSON with keys
in it. A field's name is looked for among letters and digits alone, so that no spelling of it is missed, and wherever it
stands there has to be a key whose value was replaced. What does not come out even (a spelling not met before, a part of
a path, a label, an object for a value) is left to `masking`, which reads the body.

Must not know: what else `masking` does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

_FIELD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCALAR: Final = rb'"\s*:\s*(?:"[^"]*"|[-+.0-9A-Za-z]+)'
_MOST_SPELLINGS: Final = 4
_SHALLOW: Final = 8  # deeper than most answers nest, and far from the limit

_BYTES: Final = frozenset(range(256))
_LETTERS: Final = frozenset(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"')
_BREAKS: Final = frozenset(b".[]/:")  # in a flattened path, such as customer.ssn
_LOWER: Final = bytes(_BYTES).lower()
_PARTED: Final = bytes.maketrans(bytes(_BREAKS), b'"' * len(_BREAKS)).translate(_LOWER)
_NO_LETTERS: Final = bytes(_BYTES - _LETTERS)
_NO_PARTS: Final = bytes(_BYTES - _LETTERS - _BREAKS)
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(_BYTES - frozenset(b"[]{}"))
_DIGITS: Final = bytes.maketrans(b"123456789E", b"000000000e")
_ENDLESS: Final = (b"0" * 4300, b"e" + b"0" * 18)  # numbers that no reader could hold

_validate: Final = msgspec.json.Decoder(msgspec.Raw).decode  # reads all and builds nothing


class PlainMasker:
    """For one set of fields. ``names``: what each is called, canonical; ``mask``: what stands for their values."""

    def __init__(self, names: Sequence[str], *, mask: str, max_keys: int) -> None:
        self._names = {name: name.encode() for name in names}
        self._spellings: dict[str, dict[str, tuple[re.Pattern[bytes], bytes]]] = {name: {} for name in names}
        self._mask = mask
        self._max_keys = max_keys

    def met(self, name: str, key: str) -> None:
        """The field ``name`` is spelled ``key``: by whoever asked for it to be masked, or by an upstream."""
        known = self._spellings[name]
        if _FIELD.fullmatch(key) and len(known) < _MOST_SPELLINGS:
            known[key] = re.compile(b'"' + key.encode() + _SCALAR), f'"{key}":"{self._mask}"'.encode()

    def masked(self, body: bytes) -> bytes | None:
        """The JSON ``body`` without the fields' values; None where it takes a closer look."""
        if not self._is_plain(body):
            return None
        letters = body.translate(_LOWER, _NO_LETTERS)
        shown = body
        for name, word in self._names.items():
            found, masked = letters.count(word), 0
            for pattern, replaced in self._spellings[name].values() if found else ():
                shown, times = pattern.subn(replaced, shown)
                masked += times
            if masked < found and masked < _found_whole(word, body, letters):
                return None
        return shown

    def _is_plain(self, body: bytes) -> bool:
        """Every check is linear, and none builds anything. That of JSON itself comes last: depth is judged before."""
        if not body.isascii() or b"\\" in body or body.count(b":") > self._max_keys:
            return False
        digits = body.translate(_DIGITS, b"+-")
        return not any(endless in digits for endless in _ENDLESS) and _is_shallow(body) and _is_json(body)


def _found_whole(word: bytes, body: bytes, letters: bytes) -> int:
    """How often ``word`` stands in ``body`` as a string or a part of a path; as ssn in className it is no field."""
    quoted = b'"' + word + b'"'
    return max(letters.count(quoted), body.translate(_PARTED, _NO_PARTS).count(quoted))


def _is_shallow(body: bytes) -> bool:
    """Whether its brackets close within a few levels; those in strings are counted as if they were none."""
    brackets = body.translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(_SHALLOW):
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def _is_json(body: bytes) -> bool:
    try:
        _validate(body)
    except msgspec.MsgspecError:
        return False
    return True
