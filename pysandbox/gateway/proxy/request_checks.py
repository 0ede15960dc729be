"""What a request's query, headers and body may say, and where they may not reach: the places of injected credentials.

Must not know: routes, sessions, the network.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Collection, Iterable, Mapping
from typing import Final, cast
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.gateway.proxy.media import MediaKind, kind_of, media_type

MAX_QUERY_CHARS: Final = 8192
MAX_HEADERS_CHARS: Final = 16_384

# One spelling of each query for every URL parser: the characters of RFC 3986, less the quote that browsers encode.
_QUERY: Final = re.compile(r"([A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_CONTENT_TYPE: Final = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}"
    r"( ?; ?(charset=\"?utf-8\"?|boundary=[A-Za-z0-9'()+_,./:=?-]{1,70}))?", re.IGNORECASE)
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_PAIRS: Final = re.compile(r"[&;]")
_BRACKETS: Final = re.compile(r"\[.*")  # PHP and others read name[] and name[0] as name


def query_fault(query: str) -> str | None:
    """Which rule a raw query (without its ``?``) breaks, or None (attack 97 and what smuggles by it)."""
    if len(query) > MAX_QUERY_CHARS:
        return f"a query has at most {MAX_QUERY_CHARS} characters"
    if not _QUERY.fullmatch(query):
        return "a query holds only what a URL may hold, with % before two hex digits"
    return None


def content_type_fault(content_type: str, allowed: Collection[str], *, has_body: bool) -> str | None:
    """Which rule the request's content type breaks, or None."""
    if not content_type:
        return "a body has a content type" if has_body else None
    if not _CONTENT_TYPE.fullmatch(content_type):
        return "is no media type; of parameters, only charset=utf-8 or a boundary can stand there"
    if media_type(content_type) not in allowed:
        return "is not a type that this route takes"
    return None


def plugin_headers(text: str) -> Mapping[str, object]:
    """The plugin's own headers from the value of ``Pysandbox-Headers``: base64url, without padding, of a JSON object.

    Raises `SandboxError` ``INPUT_INVALID``.
    """
    if not text:
        return {}
    try:
        if len(text) > MAX_HEADERS_CHARS or not _BASE64URL.fullmatch(text):
            raise ValueError
        found = strict_json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(), max_depth=1)
    except (ValueError, Base64Error, ProtocolViolation):
        found = None
    if not isinstance(found, dict):
        raise SandboxError(Code.INPUT_INVALID, "Pysandbox-Headers is base64url of a JSON object of texts")
    return cast(dict[str, object], found)


def refuse_injected_query(query: str, name: str) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` where the query has a field that an upstream could read as ``name``."""
    if _reaches(name, (_decoded(pair.partition("=")[0]) for pair in _PAIRS.split(query))):
        raise _taken("query", name)


def refuse_injected_field(content_type: str, body: bytes, name: str) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` where the body has a field that an upstream could read as ``name``, or
    cannot be read well enough to tell."""
    match kind_of(content_type):
        case MediaKind.JSON:
            keys = _object(body).keys()
        case MediaKind.FORM if body.isascii():
            keys = [_decoded(pair.partition("=")[0]) for pair in _PAIRS.split(body.decode())]
        case _:
            raise SandboxError(Code.INPUT_INVALID, "this route's key goes into the body: a JSON object or a form")
    if _reaches(name, keys):
        raise _taken("body", name)


def _object(body: bytes) -> dict[str, object]:
    try:
        found = strict_json.loads(body.decode())
    except (UnicodeDecodeError, ProtocolViolation):
        found = None
    if not isinstance(found, dict):
        raise SandboxError(Code.INPUT_INVALID, "this route takes one JSON object, no key in it twice")
    return cast(dict[str, object], found)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")


def _reaches(name: str, keys: Iterable[str]) -> bool:
    """Whether some upstream could read one of ``keys`` as ``name``, or as a part of it (``name[]``, ``[name]``)."""
    wanted = _same(name)
    return any(wanted in {_same(key), _same(_BRACKETS.sub("", key))} for key in keys)


def _same(name: str) -> str:
    """What lenient upstreams take for one name: case, width, ``-``, ``_``, dots and blanks make no difference."""
    return "".join(sign for sign in normalize("NFKC", name).casefold() if sign.isalnum())


def _taken(where: str, name: str) -> SandboxError:
    return SandboxError(Code.INPUT_INVALID, f"the {where} has a field {name!r}, which the gateway itself fills in")
