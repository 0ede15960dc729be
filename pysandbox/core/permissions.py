"""Permission names, what the known ones open, and who must agree before one is in force.

Must not know: how a capability is called, or over which port.

Default is deny. A permission is in force when all agree: the plugin's manifest **declares** it, the user's session
**grants** it, somebody **provides** what it opens (the page by a function, or the host itself), and the page has not
**revoked** it since.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Provider = Literal["page", "host", "operator"]

MAX_CHARS: Final = 96
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*:[a-z][a-z0-9-]*:[a-z][a-z0-9-]*")
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Permission:
    """``provider``: who performs what it opens. An ``operator`` permission is a scope of people's tokens only."""

    provider: Provider
    opens: str


KNOWN: Final[Mapping[str, Permission]] = MappingProxyType({
    "webchat:session:read": Permission("page", "Reads fields of the chat session that the page chooses to give."),
    "integration:proxy:invoke": Permission("host", "ctx.proxy: requests along the gateway's routes."),
    "telephony:trunk:view": Permission("host", "Lets the plugin's result choose a queue in a flow."),
    "plugin:log:export": Permission("host", "Gives the plugin's own log and tracebacks to its author."),
    "application:plugin:manage": Permission("operator", "Registers, enables and blocks plugins."),
    "architect:flow:write": Permission("operator", "Stores flows."),
})
"""Names with a meaning of their own. Every other well-formed name is a capability that a page may provide."""


def is_name(name: str) -> bool:
    """Whether ``name`` has the form ``area:thing:action``: lower-case ASCII words, hyphens and digits inside."""
    return len(name) <= MAX_CHARS and _NAME.fullmatch(name) is not None


def provider(name: str) -> Provider:
    """Who provides what ``name`` opens; the page, for a name that is not in `KNOWN`."""
    known = KNOWN.get(name)
    return known.provider if known else "page"


def effective(
        declared: Collection[str], granted: Collection[str], provided: Collection[str],
        revoked: Collection[str] = _NOTHING) -> frozenset[str]:
    """The permissions in force. ``provided`` are the names that the page gave functions for."""
    return frozenset(name for name in declared if denied_reason(name, declared, granted, provided, revoked) is None)


def denied_reason(
        name: str, declared: Collection[str], granted: Collection[str], provided: Collection[str],
        revoked: Collection[str] = _NOTHING) -> str | None:
    """Why ``name`` is not in force, as a sentence that says who can change it; None if it is in force.

    The reasons come in the order in which an author can act on them. None of them names other permissions.
    """
    who = provider(name)
    walls = (
        (is_name(name), "this is no permission's name: it has the form area:thing:action"),
        (who != "operator", f"{name} is for operators' tokens; no plugin can hold it"),
        (name in declared, f"{name} is not declared in the plugin's manifest.permissions"),
        (name in granted, f"{name} is not granted to this user's session"),
        (name not in revoked, f"{name} was revoked by the page"),
        (who == "host" or name in provided,
         f"{name} is not provided by the page: pass a function in openSandbox's capabilities"),
    )
    return next((reason for open_, reason in walls if not open_), None)
