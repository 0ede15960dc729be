"""The plugins that this server knows: folders on disk, their bundles built once and kept in memory.

Must not know: HTTP, sessions.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.blocks import BlockedVersions
from pysandbox.gateway.folder import BuiltPlugin, Resolver, build_folder, fingerprint, refuse_requirements

LATEST: Final = "latest"


@dataclass(slots=True)
class _Entry:
    folder: Path
    marks: tuple[tuple[str, int, int], ...]
    built: BuiltPlugin


class PluginFolders:
    """A registry of folders. With ``reload`` a folder that changed is built again when it is next asked for.

    ``blocks``: the versions of it that nobody gets. A block is of an id and version, so it outlives a rebuild.
    """

    def __init__(
        self, folders: Iterable[Path], *, reload: bool = False, resolve: Resolver = refuse_requirements
    ) -> None:
        """Raises what `build_folder` raises, and ``INPUT_INVALID`` when two folders hold the same id and version."""
        self.blocks = BlockedVersions()
        self._reload = reload
        self._resolve = resolve
        self._lock = threading.Lock()  # requests build in threads
        self._entries = [self._built(folder) for folder in folders]
        seen: dict[str, Path] = {}
        for entry in self._entries:
            other = seen.setdefault(entry.built.manifest.key, entry.folder)
            if other != entry.folder:
                raise SandboxError(
                    Code.INPUT_INVALID, f"{other} and {entry.folder} are both {entry.built.manifest.key}")

    def all(self) -> list[BuiltPlugin]:
        """Every plugin, as it is now on disk if ``reload`` is on. Raises what `build_folder` raises."""
        with self._lock:
            if self._reload:
                self._entries = [self._rebuilt(entry) for entry in self._entries]
            return [entry.built for entry in self._entries]

    def find(self, plugin_id: str, version: str) -> BuiltPlugin:
        """The plugin of this id and version, or of the highest version that is not blocked for ``latest``.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND`` or ``PLUGIN_BLOCKED``, and what `build_folder` raises.
        """
        of_id = [built for built in self.all() if built.manifest.plugin_id == plugin_id]
        asked = of_id if version == LATEST else [built for built in of_id if built.manifest.version == version]
        if not asked:
            raise SandboxError(Code.PLUGIN_NOT_FOUND, "no plugin of this id and version is served here")
        enabled = [built for built in asked if built.manifest.key not in self.blocks]
        if not enabled:
            raise SandboxError(Code.PLUGIN_BLOCKED, f"{plugin_id}@{version} is blocked: load another version")
        return max(enabled, key=lambda built: precedence(built.manifest.version))

    def set_blocked(self, plugin_id: str, version: str, *, blocked: bool) -> None:
        """Block a version, or enable it again. Pages that have it open hear of it; see `BlockedVersions`.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND`` for a version that is neither served nor blocked.
        """
        key = f"{plugin_id}@{version}"
        if key not in self.blocks and all(built.manifest.key != key for built in self.all()):
            raise SandboxError(Code.PLUGIN_NOT_FOUND, "no plugin of this id and exact version is served here")
        self.blocks.set(key, blocked=blocked)

    def permissions(self) -> tuple[str, ...]:
        """Every permission that some plugin declares: what a development session grants."""
        return tuple(sorted({name for built in self.all() for name in built.manifest.permissions}))

    def _built(self, folder: Path) -> _Entry:
        marks = fingerprint(folder) if folder.is_dir() else ()
        return _Entry(folder, marks, build_folder(folder, resolve=self._resolve))

    def _rebuilt(self, entry: _Entry) -> _Entry:
        return entry if fingerprint(entry.folder) == entry.marks else self._built(entry.folder)


def precedence(version: str) -> tuple[object, ...]:
    """A key that sorts versions as SemVer 2.0.0 §11 has it. ``version`` is one that a manifest passed with."""
    core, _, before = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    # A release is above its pre-releases; numbers are below words, and by value.
    words = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".") if before)
    return (numbers, not before, words)
