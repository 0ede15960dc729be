"""A plugin as a registry knows it, ready to be run."""

from __future__ import annotations

from dataclasses import dataclass

from pysandbox.core.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Registered:
    """Its bundle's hash was checked by whoever made this."""

    manifest: Manifest
    bundle: bytes
    needs_library: bool = True  # whether its worker needs more of the standard library than the snapshot holds
    grants: frozenset[str] | None = None  # what an administrator consented to; None: whatever the session was granted
    log_words: frozenset[str] = frozenset()  # of the plugin's own log: they may stand in telemetry
