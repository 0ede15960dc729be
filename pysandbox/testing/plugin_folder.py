"""A plugin's folder, loaded in CPython for its unit tests: its handlers, and a context as its manifest describes it.

Must not know: bundles, browsers. Each load imports the modules afresh and keeps them out of ``sys.modules``
afterwards, so that two plugins that both have a ``plugin.py`` can be tested in one process.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pysandbox.core.errors import CallError, Code
from pysandbox.core.manifest import Manifest, parse_manifest
from pysandbox.plugin import hooks
from pysandbox.testing.fake_context import FakeContext, run


class PluginFolder:
    """A loaded plugin. ``module`` is its entry module, ``modules`` all of its own that were imported, by name.

    ``registry`` holds what its decorators recorded.
    """

    def __init__(self, folder: Path, manifest: Manifest, capabilities: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self._capabilities = capabilities
        self.modules: dict[str, ModuleType] = {}
        self.registry = hooks.Registry()
        with self._at_home():
            self.module = importlib.import_module(manifest.entry)

    def context(self, **overrides: Any) -> FakeContext:
        """A `FakeContext` with the manifest's id, permissions, deadline and limits; capabilities.json answers."""
        told: dict[str, Any] = {
            "capabilities": self._capabilities,
            "permissions": self.manifest.permissions,
            "plugin_id": self.manifest.plugin_id,
            "remaining_ms": self.manifest.max_execution_time_ms,
            "limits": self.manifest.limits,
        }
        return FakeContext(**{**told, **overrides})

    def invoke(self, handler: str, payload: Any, ctx: FakeContext | None = None) -> Any:
        """What the handler returns. Raises what it raises, and `CallError` (``HANDLER_NOT_FOUND``)."""
        function = self.registry.handlers.get(handler)
        if function is None:
            known = ", ".join(sorted(self.registry.handlers)) or "none"
            raise CallError(Code.HANDLER_NOT_FOUND, f"no handler {handler!r}; this plugin has: {known}")
        with self._at_home():
            return run(function(payload, ctx or self.context()))

    @contextmanager
    def _at_home(self) -> Generator[None]:
        """The folder importable, its modules loaded, the decorators recording here; afterwards all as it was."""
        home = str(self.folder)
        outside = _take_out(self.folder)
        sys.modules.update(self.modules)
        sys.path.insert(0, home)
        importlib.invalidate_caches()
        recording, hooks.current = hooks.current, self.registry
        try:
            yield
        finally:
            hooks.current = recording
            sys.path.remove(home)
            self.modules = _take_out(self.folder)
            sys.modules.update(outside)


def load_plugin(folder: str | Path) -> PluginFolder:
    """Load the plugin in ``folder``: manifest.json, its entry module, and capabilities.json if it is there.

    Raises `ManifestError`, and whatever importing the entry module raises.
    """
    root = Path(folder).resolve()
    manifest = parse_manifest((root / "manifest.json").read_bytes())
    answers = root / "capabilities.json"
    capabilities = cast(dict[str, Any], json.loads(answers.read_text("utf-8"))) if answers.exists() else {}
    return PluginFolder(root, manifest, capabilities)


def _take_out(folder: Path) -> dict[str, ModuleType]:
    """Remove from ``sys.modules`` all that the folder's files and packages are imported as, and return it."""
    names = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}
    found = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in found}
