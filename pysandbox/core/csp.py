"""The CSP of a manifest: a ceiling on what the plugin may ask for. It never becomes a header of ours.

Must not know: how a plugin reaches the network (it does not: the host and the gateway ask here).

Content Security Policy Level 3 (https://www.w3.org/TR/CSP3/), read more strictly than a browser would: what a browser
ignores without a word (unknown directives, a directive said twice) is a fault here, because somebody believed in it.
Only fetch directives are accepted; ``report-uri`` and ``report-to`` carry data out, ``sandbox`` is not the plugin's.
One departure: what no directive governs is denied, where a browser would allow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pysandbox.core.csp_source import NONE, SELF, WASM, HostSource, Source, SourceError, matches_self, parse_source
from pysandbox.core.errors import ManifestError, Problem
from pysandbox.core.weburl import parse_url

MAX_CHARS: Final = 4096

FALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "default-src": (),
    "child-src": ("default-src",),
    "connect-src": ("default-src",),
    "fenced-frame-src": ("frame-src", "child-src", "default-src"),
    "font-src": ("default-src",),
    "frame-src": ("child-src", "default-src"),
    "img-src": ("default-src",),
    "manifest-src": ("default-src",),
    "media-src": ("default-src",),
    "object-src": ("default-src",),
    "prefetch-src": ("default-src",),
    "script-src": ("default-src",),
    "script-src-attr": ("script-src", "default-src"),
    "script-src-elem": ("script-src", "default-src"),
    "style-src": ("default-src",),
    "style-src-attr": ("style-src", "default-src"),
    "style-src-elem": ("style-src", "default-src"),
    "worker-src": ("child-src", "script-src", "default-src"),
}
"""Every fetch directive, with those that speak for it where it is absent (CSP3 6.8.3)."""

_Fault = Callable[[str, str], None]
_WASM_DIRECTIVES: Final = frozenset({"script-src", "default-src"})
_REPORTING: Final = frozenset({"report-uri", "report-to"})
_FOREIGN: Final = re.compile(r"[^ -~]")
_CURE_DIRECTIVE: Final = f"Use fetch directives only: {', '.join(FALLBACKS)}."


@dataclass(frozen=True, slots=True)
class Csp:
    """A policy: directive name to its sources. No source means ``'none'``."""

    directives: Mapping[str, tuple[Source, ...]]

    def sources(self, directive: str) -> tuple[Source, ...]:
        """What governs ``directive``: its own sources, else those it falls back to, else none.

        ``KeyError`` if it is no fetch directive.
        """
        for name in (directive, *FALLBACKS[directive]):
            if name in self.directives:
                return self.directives[name]
        return ()

    def allows(self, directive: str, url: str, self_origin: str | None = None) -> bool:
        """Whether ``directive`` covers ``url`` (whole, or an origin alone, which no source with a path covers).

        ``self_origin`` is what ``'self'`` stands for; without it ``'self'`` covers nothing. A ``url`` that is not in
        plain canonical form is not covered. ``KeyError`` if ``directive`` is no fetch directive, ``ValueError`` if
        ``self_origin`` is no origin.
        """
        sources = self.sources(directive)
        own = None if self_origin is None else parse_url(self_origin)
        try:
            target = parse_url(url)
        except ValueError:
            return False
        return any(
            source.matches(target, own) if isinstance(source, HostSource)
            else source == SELF and matches_self(target, own)
            for source in sources)

    def __str__(self) -> str:
        """The policy in its canonical spelling: `parse_csp` of it gives an equal `Csp`."""
        return "; ".join(
            " ".join((name, *(map(str, sources) if sources else (NONE,)))) for name, sources in self.directives.items())


def parse_csp(text: str) -> Csp:
    """The policy ``text``. Raises `ManifestError` with every fault in it."""
    policy, problems = check_csp(text)
    if problems:
        raise ManifestError(problems)
    return policy


def check_csp(text: str, path: str = "$.manifest.csp") -> tuple[Csp, list[Problem]]:
    """The policy and all its faults. With any fault the policy holds only what was good: for showing, not for use."""
    problems: list[Problem] = []
    found: dict[str, tuple[Source, ...]] = {}

    def fault(rule: str, cure: str) -> None:
        problems.append(Problem(path, rule, cure))

    if len(text) > MAX_CHARS:
        fault(f"a CSP has at most {MAX_CHARS} characters", "Name fewer sources.")
    elif _FOREIGN.search(text):
        fault("a CSP is printable ASCII: no line breaks, tabs, control characters or letters beyond it",
              "Put it on one line, and write international host names as xn--…")
    elif "," in text:
        fault("a comma would start a second policy", "Separate sources by spaces and directives by semicolons.")
    else:
        for part in text.split(";"):
            name, *tokens = part.split() or [""]
            if name:
                _directive(name.lower(), tokens, found, fault)
    return Csp(MappingProxyType(found)), problems


def _directive(name: str, tokens: list[str], found: dict[str, tuple[Source, ...]], fault: _Fault) -> None:
    if name in _REPORTING:
        fault(f"{name} is refused: a report carries data out", "Remove it.")
    elif name not in FALLBACKS:
        fault(f"{name[:80]} is no fetch directive", _CURE_DIRECTIVE)
    elif name in found:
        fault(f"{name} is there twice, and browsers ignore the second", "Merge the two.")
    else:
        found[name] = _sources(name, tokens, fault)


def _sources(name: str, tokens: list[str], fault: _Fault) -> tuple[Source, ...]:
    sources: list[Source] = []
    for token in tokens:
        try:
            source = parse_source(token)
        except SourceError as error:
            fault(f"{name}: {error.rule}", error.cure)
            continue
        if source == NONE and len(tokens) > 1:
            fault(f"{name}: {NONE} stands alone", f"Remove {NONE}, or all the others.")
        elif source == WASM and name not in _WASM_DIRECTIVES:
            fault(f"{name}: {WASM} has a meaning in script-src and default-src only", "Move or remove it.")
        elif source != NONE:
            sources.append(source)
    return tuple(sources)
