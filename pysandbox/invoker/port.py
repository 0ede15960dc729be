"""What calls a plugin where there is no browser. Must not know: processes, HTTP, flows, registries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pysandbox.core.manifest import Manifest
from pysandbox.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Runnable:
    """One version of a plugin as one tenant has it. ``sha256``: of the bundle, in hex; ``grants``: what was agreed to.

    Plugins of two tenants never share a process, be their bundles the same.
    """

    tenant: str
    manifest: Manifest
    bundle: bytes = field(repr=False)
    sha256: str
    grants: tuple[str, ...]

    @property
    def key(self) -> str:
        """``id@version``."""
        return self.manifest.key


class Invoker(Protocol):
    """Whatever a plugin does, an invocation ends in an outcome."""

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        """Call ``handler`` ("" is the plugin's only one) with the JSON text ``payload``.

        The outcome is there after ``timeout_ms`` at the latest, a kill included: the plugin's own deadline is shorter
        by what its end costs. Cancelled, the call is aborted, and nothing of it is left running.
        """
        ...
