"""URLs and host names, read so strictly that no two readers can disagree about them.

Must not know: CSP, manifests, the network.

A browser's URL parser (https://url.spec.whatwg.org) mends what it is given: ``https:\\\\a@2130706433.`` is 127.0.0.1.
A check that reads the text differently is a hole, so here only the form that the parser would write back is a URL at
all. In doubt it is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
LOOPBACK: Final = "127.0.0.1"
"""The one IP literal that CSP lets match (CSP3 6.7.2.8), and the one that a gateway in development has."""

_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.ASCII)
_PRINTABLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The URL standard's "ends in a number": what it would then read as IPv4, in decimal, octal or hex.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH: Final = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*")
_HIDDEN: Final = re.compile(r"%(2e|2f|5c|00)", re.IGNORECASE)  # . / \ NUL, which some server decodes


@dataclass(frozen=True, slots=True)
class WebUrl:
    """``port`` is None for the scheme's default; ``path`` is empty or starts with a slash; no query stands for ''."""

    scheme: str
    host: str
    port: int | None
    path: str = ""
    query: str = ""

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port is not None else "")


def parse_url(text: str) -> WebUrl:
    """The URL or origin ``text``. ``ValueError``, whose message is the rule it breaks, for all that is not plain."""
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("a URL is printable ASCII without spaces")
    match = _URL.fullmatch(text)
    if match is None or match[1] not in DEFAULT_PORTS:
        raise ValueError(f"a URL starts with one of {', '.join(f'{scheme}://' for scheme in DEFAULT_PORTS)}")
    scheme, authority, path, query, fragment = match.groups()
    if fragment is not None:
        raise ValueError("a URL here has no fragment")
    host, port = split_authority(authority)
    fault = host_fault(host) or path_fault(path or "")
    if fault:
        raise ValueError(fault)
    return WebUrl(scheme, host, None if port == DEFAULT_PORTS[scheme] else port, path or "", (query or "")[1:])


def split_authority(authority: str) -> tuple[str, int | None]:
    """Host and port of ``host[:port]``. ``ValueError`` for userinfo, brackets and a bad port."""
    if "@" in authority:
        raise ValueError("user names and passwords have no place in a URL")
    if "[" in authority or authority.count(":") > 1:
        raise ValueError("IPv6 literals are refused")
    host, colon, digits = authority.partition(":")
    if not colon:
        return host, None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", digits, re.ASCII) or int(digits) > 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return host, int(digits)


def host_fault(host: str) -> str | None:
    """Which rule the host name breaks, or None. Upper case is a fault: only the canonical spelling is accepted."""
    if host == LOOPBACK:
        return None
    if host.endswith("."):
        return "a host name has no trailing dot"
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1].lower()):
        return f"IP addresses are refused, in every spelling (other than {LOOPBACK} for development)"
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "a host name is made of lower-case letters, digits and hyphens between dots (IDN as xn--…)"
    return None


def path_fault(path: str) -> str | None:
    """Which rule the path breaks, or None."""
    if not _PATH.fullmatch(path):
        return "a path holds only what a URL may hold, with % before two hex digits"
    if _HIDDEN.search(path) or {".", ".."} & set(path.split("/")):
        return "a path has no '.' or '..' segment and no encoded dot, slash, backslash or NUL"
    return None
