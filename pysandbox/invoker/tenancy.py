"""For whom a plugin runs on a server, and what is heard of it beside its outcomes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pysandbox.core.broker.proxying import Proxy

Capability = Callable[[object], Awaitable[object]]
"""The function that a permission opens: from what the plugin passed to what it is answered, both JSON values."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """For whom a plugin runs. Two tenants never share one: each loads its own.

    ``context``: what ``ctx`` tells of environment, queue and locale. ``grants``: the permissions that the session has.
    ``proxy``: who sends the plugin's API requests; without one ``ctx.proxy`` finds no route.
    """

    context: Mapping[str, str] = field(default_factory=dict[str, str])
    grants: frozenset[str] = frozenset()
    capabilities: Mapping[str, Capability] = field(default_factory=dict[str, Capability])
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin that can be invoked, by its ``key``, which is this invoker's own."""

    key: str
    plugin_id: str
    version: str
    handlers: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a plugin said or did outside of its outcomes.

    ``kind``: ``event``, ``progress``, ``log``, ``limits``, ``state`` or ``alert``; ``payload`` is JSON text.
    """

    kind: str
    plugin: str  # id@version
    correlation_id: str
    payload: str
