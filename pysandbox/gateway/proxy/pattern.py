"""Which addresses a route answers to, and the one spelling that an address may have (attack 60).

``/proxy/vendor/risk`` matches itself; ``/proxy/vendor/risk/*`` one or more whole segments below it. A request's path
is never mended: one that another reader might take for something else is refused. Patterns and paths are compared as
they stand, in linear time: no pattern becomes a regular expression (attack 78).

Must not know: requests, upstreams.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from pysandbox.core.weburl import path_fault

PREFIX: Final = "/proxy/"
MAX_PATH_CHARS: Final = 4096
MAX_PATTERN_CHARS: Final = 512

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_WILD: Final = "/*"
# Letters, digits and -._~ (RFC 3986 section 6.2.2.2), control characters, and % itself, which a second decoder reads.
_NEEDLESS: Final = re.compile(
    r"%(2[DdEe5]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEeFf]|[01][0-9A-Fa-f])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """``prefix`` is what stands before ``*``, without its slash; the whole path where there is none."""

    prefix: str
    wild: bool

    def match(self, path: str) -> str | None:
        """What ``*`` stands for in ``path`` ('' where there is none), or None. ``path`` has passed `fault_of_path`."""
        if not self.wild:
            return "" if path == self.prefix else None
        rest = path[len(self.prefix) + 1:]
        return rest if path.startswith(self.prefix) and path[len(self.prefix):][:1] == "/" and rest else None

    def covers(self, other: Pattern) -> bool:
        """Whether this one matches all that ``other`` matches."""
        if not self.wild:
            return self == other
        return other.prefix.startswith(f"{self.prefix}/") or (other.wild and other.prefix == self.prefix)

    def __str__(self) -> str:
        return self.prefix + (_WILD if self.wild else "")


def parse_pattern(text: str, *, for_allowlist: bool = False) -> Pattern:
    """The pattern ``text``. ``ValueError``, whose message is the rule it breaks.

    A route names at least a vendor; an entry of the operator's allowlist may also be ``/proxy/*``.
    """
    if not text.startswith(PREFIX) or len(text) > MAX_PATTERN_CHARS:
        raise ValueError(f"a route's pattern starts with {PREFIX} and has at most {MAX_PATTERN_CHARS} characters")
    wild = text.endswith(_WILD)
    prefix = text.removesuffix(_WILD) if wild else text
    if for_allowlist and text == "/proxy/*":
        return Pattern(prefix, wild)
    segments = prefix.split("/")[2:]
    if "*" in prefix:
        raise ValueError("* stands for whole segments, at the end alone: elsewhere a plugin would choose where it goes")
    if not segments or segments == [""]:
        raise ValueError("a pattern names at least the vendor before *: else a plugin chooses whose API is asked")
    if not all(map(_SEGMENT.fullmatch, segments)):
        raise ValueError(
            "a pattern's segments are letters, digits and -._~, none of them empty or starting with a dot: "
            "anything else could climb out of the path, or be read in two ways")
    return Pattern(prefix, wild)


def allowed(pattern: Pattern, allowlist: Iterable[str]) -> bool:
    """Whether the operator's allowlist covers ``pattern``. ``ValueError`` if an entry of it is no pattern."""
    return any(parse_pattern(entry, for_allowlist=True).covers(pattern) for entry in allowlist)


def fault_of_path(path: str) -> str | None:
    """Which rule a request's raw path breaks, or None. Only plain paths can be compared with patterns."""
    if not path.startswith("/") or len(path) > MAX_PATH_CHARS:
        return f"a path starts with a slash and has at most {MAX_PATH_CHARS} characters"
    return _fault(path)


@lru_cache(maxsize=1024)
def _fault(path: str) -> str | None:
    if "//" in path:
        return "a path has no empty segments"
    return path_fault(path) or (_hidden_fault(path) if "%" in path or ";" in path else None)


def _hidden_fault(path: str) -> str | None:
    if _NEEDLESS.search(path):
        return "a path encodes neither letters, digits and -._~ nor control characters nor the percent sign"
    return next(filter(None, map(_fault_of_segment, path.split("/"))), None)


def _fault_of_segment(segment: str) -> str | None:
    """What path parameters (``..;x``) and other spellings of dot and slash would hide (overlong, full width)."""
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return "a path is UTF-8 once it is decoded"
    if not text.isprintable():
        return "a path has no characters that cannot be seen"
    plain = normalize("NFKC", text)
    if (segment and plain.partition(";")[0].strip() in {"", ".", ".."}) or {"/", "\\"} & set(plain):
        return "a path has no blank, '.' or '..' segment and no slash or backslash in disguise"
    return None
