"""One plugin's folder while somebody works on it: often broken, and served again as soon as it is whole."""

from __future__ import annotations

from pathlib import Path

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.folder import BuiltPlugin, Resolver, fingerprint, refuse_requirements
from pysandbox.gateway.plugins import PluginFolders


class LiveFolder(PluginFolders):
    """A registry of one folder. While it cannot be built there is no plugin, and ``fault`` says why."""

    def __init__(self, folder: Path, *, resolve: Resolver = refuse_requirements) -> None:
        super().__init__([], resolve=resolve)
        self.folder = folder
        self.fault: SandboxError | None = None
        self._marks: object = None

    def all(self) -> list[BuiltPlugin]:
        """The plugin as it is now on disk; empty while it cannot be built."""
        with self._lock:
            marks = fingerprint(self.folder)
            if marks != self._marks:
                try:
                    self._entries, self.fault = [self._built(self.folder)], None
                except SandboxError as error:
                    self._entries, self.fault = [], error
                self._marks = marks
            return [entry.built for entry in self._entries]
