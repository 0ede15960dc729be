"""Injected credentials that an upstream echoes are taken out of what goes back (attack 12), streams included.

Must not know: where the credential was put. It is looked for as it is, and as JSON, URLs and base64 would write it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

MARK: Final = b"[redacted]"
_HEX: Final = re.compile(r"%[0-9A-F]{2}")
_SHORTEST: Final = 4  # less would be found in any text, and tells nothing


def forms(credentials: Iterable[str]) -> tuple[bytes, ...]:
    """Every spelling to look for, the longest first, so that none leaves half of another behind."""
    found: set[bytes] = set()
    for text in credentials:
        if len(text) >= _SHORTEST:
            raw = text.encode()
            json_forms = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]
            texts = [text, quote(text, safe=""), quote_plus(text, safe=""), *json_forms]
            texts += [form.replace("/", "\\/") for form in json_forms]
            texts += [_HEX.sub(lambda found: found[0].lower(), form) for form in texts[1:3]]
            found.update(form.encode() for form in texts)
            found |= {
                base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="), raw.hex().encode()}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def redact(data: bytes, forms: Sequence[bytes]) -> bytes:
    """``data`` without them."""
    for form in forms:
        if form in data:
            data = data.replace(form, MARK)
    return data


class Redactor:
    """`redact` for a body that comes in pieces: what may be the beginning of a credential waits for the next piece."""

    def __init__(self, forms: Sequence[bytes]) -> None:
        self._forms = forms
        self._waits = max(map(len, forms), default=1) - 1
        self._tail = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may go on."""
        data = redact(self._tail + chunk, self._forms)
        if not self._waits:
            return data
        self._tail = data[-self._waits:]
        return data[:-self._waits]

    def end(self) -> bytes:
        """What has waited."""
        rest, self._tail = self._tail, b""
        return rest
