"""What the attacks share: variants of the bundle, made once a run, and a laboratory on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.listener import Listener
from e2e.kit.server import Change, LabServer
from e2e.variants import Edit, variant
from pysandbox.testing.browsers import Browser

Serve = Callable[..., LabServer]
FEW_VIOLATIONS = 7  # one more is still within a worker's budget of 8


class Attackers:
    """The attacking plugin of one sandbox: the same worker for several attacks, as long as its record allows."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._plugin: LabPlugin | None = None
        self._violations = 0

    def next(self) -> LabPlugin:
        """One that lives, with room in its budget, and no alert of an earlier attack on the page."""
        self._violations += self._lab.ask("() => lab.alerts.splice(0).length")
        if self._plugin is None or self._violations > FEW_VIOLATIONS:
            self.drop()
            self._plugin = self._lab.load("test.attacker@1.0.0")
        return self._plugin

    def drop(self) -> None:
        """The next one is another worker."""
        if self._plugin is not None:
            self._plugin.unload()
        self._plugin, self._violations = None, 0


@pytest.fixture(scope="session")
def serve(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """``serve(edits, change=…)``: a running server of that variant; the same one for the same walls."""
    servers: dict[tuple[object, ...], LabServer] = {}
    with ExitStack() as stack:

        def of(edits: Iterable[Edit] = (), change: Change | None = None) -> LabServer:
            key = (*((edit.file, edit.find, str(edit.put)) for edit in edits), change)
            if key not in servers:
                folder = variant(dist, tmp_path_factory.mktemp("variant"), edits)
                server = LabServer(PLUGINS, dist=folder, pages=PAGES, change=change)
                servers[key] = stack.enter_context(server)
            return servers[key]

        yield of


@pytest.fixture(scope="module")
def open_lab(browser: Browser) -> Iterator[Callable[[LabServer], Lab]]:
    """``open_lab(server)``: an open sandbox of that server, in a tab that the module's tests share."""
    labs: dict[str, Lab] = {}

    def of(server: LabServer) -> Lab:
        if server.api_origin not in labs:
            labs[server.api_origin] = Lab(browser.new_page(), f"{server.api_origin}/pages/lab.html").open(server)
        return labs[server.api_origin]

    yield of
    for lab in labs.values():
        lab.page.close()


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """A listening server that the attacks try to reach."""
    with Listener() as running:
        yield running
