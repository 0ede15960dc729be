"""pysandbox, embedded from the bench server's origin: the sandbox and the API are origins of their own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from pysandbox.gateway.serve import DevServer
from tests.bench.server import BenchServer

PLUGIN = Path(__file__).parents[1] / "plugin"
COPIES = 6
"""Different plugins, since one plugin is loaded once in a page."""


class Ours:
    """The development server with copies of the bench plugin, listening from the start. A context manager."""

    name = "ours"
    label = "pysandbox"
    page = "/pages/ours/index.html"

    def __init__(self, server: BenchServer) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pysandbox-bench-plugins-")
        self._server = DevServer(
            plugins=[self._copy(number) for number in range(1, COPIES + 1)],
            api_port=0,
            sandbox_port=0,
            allowed_origins=[server.origin],
        )

    def _copy(self, number: int) -> Path:
        folder = Path(self._folder.name) / f"bench_{number}"
        folder.mkdir()
        manifest = json.loads((PLUGIN / "manifest.json").read_text())
        manifest["pluginId"] = f"com.example.bench-{number}"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / "plugin.py").write_bytes((PLUGIN / "plugin.py").read_bytes())
        return folder

    def settings(self) -> dict[str, str]:
        """Where the sandbox is, and the development session's token."""
        return {
            "sandboxOrigin": self._server.sandbox_origin,
            "apiOrigin": self._server.api_origin,
            "token": self._server.token,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._folder.cleanup()
