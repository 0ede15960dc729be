"""One source expression of a CSP: reading it, and matching a URL against it (CSP Level 3, 6.7.2).

Must not know: directives and their fallbacks (`pysandbox.core.csp`).

A token is judged as a whole: ``'unsafe-eval'`` is part of the text ``'wasm-unsafe-eval'``, and they are two things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from pysandbox.core.weburl import DEFAULT_PORTS, LOOPBACK, WebUrl, host_fault, path_fault, split_authority

SELF: Final = "'self'"
NONE: Final = "'none'"
WASM: Final = "'wasm-unsafe-eval'"
KEYWORDS: Final = frozenset({SELF, NONE, WASM})

_DROP: Final = "Remove it."
_FORM: Final = "Write it as https://host:port/path"
_REFUSED: Final = {
    "'unsafe-inline'": ("lets injected text run as code", _DROP),
    "'unsafe-eval'": ("lets text run as code", f"Remove it. For WebAssembly alone there is {WASM}."),
    "'unsafe-hashes'": ("lets inline handlers run", _DROP),
    "'strict-dynamic'": ("lets scripts load further scripts from anywhere", "Remove it and name the hosts."),
    "'report-sample'": ("asks for reports, and a report carries data out", _DROP),
    "*": ("allows every host", "Name the hosts that the plugin needs."),
    "data:": ("lets any text be loaded as a resource", "Put the data into the bundle."),
    "blob:": ("lets any text be loaded as a resource", "Put the code into the bundle."),
}
_NONCE_OR_HASH: Final = re.compile(r"'(nonce-|sha256-|sha384-|sha512-).*'", re.IGNORECASE)
_BARE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SCHEMED: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE)
_BARE_KEYWORD: Final = re.compile(r"self|none|unsafe-[a-z]+|wasm-unsafe-eval|strict-dynamic|report-sample")
# CSP3 6.7.2.9: the scheme written down, and those of URLs that it lets through: itself and the safer ones.
_UPGRADES: Final = {
    "http": frozenset({"http", "https"}), "https": frozenset({"https"}),
    "ws": frozenset({"ws", "wss", "http", "https"}), "wss": frozenset({"wss", "https"})}


class SourceError(ValueError):
    """Why a token is not accepted: ``rule`` and ``cure``, both for people."""

    def __init__(self, rule: str, cure: str) -> None:
        self.rule, self.cure = rule, cure
        super().__init__(rule)


@dataclass(frozen=True, slots=True)
class HostSource:
    """``[scheme://][*.]host[:port][path]``. ``port`` is a number, ``"*"`` or None for the scheme's default."""

    scheme: str | None
    host: str
    subdomains: bool
    port: int | str | None
    path: str

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"{scheme}{'*.' * self.subdomains}{self.host}{port}{self.path}"

    def matches(self, url: WebUrl, self_origin: WebUrl | None) -> bool:
        # Without a scheme the page's own counts; with no page to ask, only the strictest.
        scheme = self.scheme or (self_origin.scheme if self_origin else "https")
        return url.scheme in _UPGRADES[scheme] and self._host(url) and self._port(url) and _path(self.path, url.path)

    def _host(self, url: WebUrl) -> bool:
        return url.host.endswith(f".{self.host}") if self.subdomains else url.host == self.host

    def _port(self, url: WebUrl) -> bool:
        standard = DEFAULT_PORTS[url.scheme]
        return self.port == "*" or (url.port or standard) == (self.port or standard)


Source = HostSource | str
"""A host source, or one of `KEYWORDS` other than `NONE` (which is an empty list of sources)."""


def parse_source(token: str) -> Source:
    """The source that ``token`` (printable ASCII, no space) stands for. `SourceError` if it is refused."""
    lowered = token.lower()
    if lowered in KEYWORDS:
        return lowered
    if lowered in _REFUSED:
        reason, cure = _REFUSED[lowered]
        raise SourceError(f"{token} is refused: it {reason}", cure)
    if _NONCE_OR_HASH.fullmatch(token):
        raise SourceError("nonces and hashes are refused: a plugin has no inline code that they could allow", _DROP)
    if token.startswith("'") or token.endswith("'"):
        raise SourceError(f"{token} is no CSP keyword that is accepted", f"Use {SELF}, {NONE} or host names.")
    if _BARE_KEYWORD.fullmatch(lowered):
        raise SourceError(f"{token} without quotes is a host name", f"Write '{lowered}', or remove it.")
    if _BARE_SCHEME.fullmatch(token):
        raise SourceError(f"{token} is refused: it allows every host", "Write scheme and host: https://api.example.com")
    return _parse_host_source(token)


def matches_self(url: WebUrl, self_origin: WebUrl | None) -> bool:
    """Whether ``'self'`` covers ``url``: the same origin, or the same host by a safer scheme (CSP3 6.7.2.7)."""
    if self_origin is None or url.host != self_origin.host:
        return False
    if (url.scheme, url.port) == (self_origin.scheme, self_origin.port):
        return True
    safer = url.scheme in {"https", "wss"} or (self_origin.scheme == "http" and url.scheme == "ws")
    return safer and url.port == self_origin.port


def _parse_host_source(token: str) -> HostSource:
    schemed = _SCHEMED.fullmatch(token)
    scheme, rest = (schemed[1].lower(), schemed[2]) if schemed else (None, token)
    if scheme is not None and scheme not in DEFAULT_PORTS:
        raise SourceError(f"the scheme of {token} is refused", "Use https://, or http://, wss://, ws://.")
    if "?" in token or "#" in token or "\\" in token:
        raise SourceError(f"{token}: a source has no query, fragment or backslash", "End it after the path.")
    slash = rest.find("/")
    authority, path = (rest, "") if slash < 0 else (rest[:slash], rest[slash:])
    any_port = authority.endswith(":*")
    try:
        # With 1 in place of the star, "host:80:*" is a fault like any other second colon.
        host, port = split_authority(f"{authority[:-1]}1" if any_port else authority)
    except ValueError as error:
        raise SourceError(f"{token}: {error}", _FORM) from error
    host = host.lower()
    if host == "*":
        raise SourceError(f"{token} is refused: it allows every host", "Name the hosts that the plugin needs.")
    subdomains, host = host.startswith("*."), host.removeprefix("*.")
    if subdomains and "." not in host:
        raise SourceError(f"{token} is refused: it allows a whole top-level domain", "Write *.example.com")
    fault = host_fault(host) or path_fault(path)
    if fault or (subdomains and host == LOOPBACK):
        raise SourceError(f"{token}: {fault or 'an address has no subdomains'}", _FORM)
    return HostSource(scheme, host, subdomains, "*" if any_port else port, path)


def _path(pattern: str, path: str) -> bool:
    """CSP3 6.7.2.11: no path covers all, ``/a/`` all below it, ``/a`` itself alone; compared segment by segment."""
    if pattern == "/":  # even where the path is empty, and so has no segment after the slash
        return True
    wanted, given = pattern.split("/"), path.split("/")
    if wanted[-1]:
        same_length = len(wanted) == len(given)
    else:
        del wanted[-1]
        same_length = len(wanted) < len(given)
    return same_length and all(
        unquote_to_bytes(a) == unquote_to_bytes(b) for a, b in zip(wanted, given, strict=False))
