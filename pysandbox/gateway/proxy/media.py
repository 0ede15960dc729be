"""What kind of body a content type announces.

Must not know: what is done with the body.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class MediaKind(StrEnum):
    """As far as masking and inspection tell bodies apart."""

    JSON = "json"
    JSON_LINES = "json-lines"
    FORM = "form"
    OTHER = "other"


_LINES: Final = frozenset({
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
    "application/json-lines", "application/jsonlines"})
_FORM: Final = "application/x-www-form-urlencoded"
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)


def media_type(content_type: str) -> str:
    """``type/subtype`` in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def kind_of(content_type: str) -> MediaKind:
    """By the media type alone, ``+json`` included."""
    media = media_type(content_type)
    if media in {"application/json", "text/json"} or media.endswith("+json"):
        return MediaKind.JSON
    if media in _LINES:
        return MediaKind.JSON_LINES
    return MediaKind.FORM if media == _FORM else MediaKind.OTHER


def charset_fault(content_type: str) -> bool:
    """Whether text in another encoding than UTF-8 is announced."""
    return any(name.lower() not in {"utf-8", "utf8", "us-ascii"} for name in _CHARSET.findall(content_type))
