"""One attack as data: what it tries, what stops it, what shows that it would work elsewhere.

Must not know: how it is made, or what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Place = Literal["browser", "gateway"]
GATEWAY: Final = "gateway"
"""Where attacks on the gateway stand in a report, beside the engines."""

GROUPS: Final = (
    "egress", "evaluation", "storage", "window", "messages", "prototypes", "exhaustion", "escalation", "secrets",
    "clocks", "proxy", "requests", "answers", "registry")


_CODE: Final = frozenset({"fetch", "sendBeacon", "importScripts", "eval", "localStorage", "sessionStorage"})


@dataclass(frozen=True, slots=True)
class Play:
    """``kind`` and ``data``: which play of the page's it is, and what that needs.

    ``seen_by``: ``listener`` where only what arrives at a server counts; else ``page``, ``plugin`` or ``answer``.
    ``needs``: of ``registry``, ``proxy``. ``numbers``: of the threat model's list. ``residual``: the name of what is
    left of it, where something is. ``lacks``: by engine, why even its control cannot work there.
    """

    slug: str
    group: str
    title: str
    tries: str
    wall: str
    control: str
    kind: str
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    seen_by: str = "page"
    place: Place = "browser"
    needs: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    residual: str = ""
    lacks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def titled(text: str) -> str:
    """``text`` as a title; what begins with a name in code stays as it is written."""
    first = text.partition(" ")[0].rstrip(",")
    return text if first in _CODE or first.endswith("()") else text[0].upper() + text[1:]


def duplicates(plays: tuple[Play, ...]) -> list[str]:
    """Slugs that stand for more than one attack."""
    slugs = [play.slug for play in plays]
    return sorted({slug for slug in slugs if slugs.count(slug) > 1})
