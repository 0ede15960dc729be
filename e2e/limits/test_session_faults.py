"""What befalls a session that is open: its gateway gone, its frame taken away, a page without storage.

The host's own death is test_host_death.py's, a hidden page test_hidden_tab.py's, a page that stands still
spine/test_page_clock.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.kit.lab import BOOT_MS, Lab, LabError
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Page

pytestmark = pytest.mark.one_engine

PLUGIN = "test.spine@1.0.0"
NO_STORAGE = """() => {
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore"]) {
    Object.defineProperty(globalThis, name, { get() { throw new DOMException("blocked", "SecurityError"); } });
  }
  const blocked = { get() { throw new DOMException("blocked", "SecurityError"); } };
  Object.defineProperty(Document.prototype, "cookie", blocked);
}"""


@pytest.fixture
def server(dist: Path) -> Iterator[LabServer]:
    with LabServer(PLUGINS, dist=dist, pages=PAGES) as running:
        yield running


def test_without_its_gateway_what_is_loaded_goes_on_and_the_rest_is_told_so(page: Page, server: LabServer) -> None:
    lab = Lab(page, f"{server.api_origin}/pages/lab.html").open(server)
    plugin = lab.load(PLUGIN)
    server.offline = True
    assert plugin.value("echo", "offline") == "offline"
    with pytest.raises(LabError, match="the gateway could not be reached") as caught:
        lab.load("test.bytes@1.0.0")
    assert caught.value.code == "BOOT_FAILED", caught.value
    server.offline = False
    assert lab.load("test.bytes@1.0.0").handlers
    assert plugin.value("echo", "back") == "back"


def test_a_page_that_takes_the_frame_away_has_every_call_settled(page: Page, server: LabServer) -> None:
    lab = Lab(page, f"{server.api_origin}/pages/lab.html").open(server)
    pending = lab.load(PLUGIN).start("wait", timeoutMs=3000)
    lab.ask("() => document.querySelector('iframe').remove()")
    outcome = lab.finish(pending)
    assert outcome["status"] in ("unavailable", "timeout"), outcome
    assert outcome["error"]["code"] in ("HOST_CRASHED", "PLUGIN_TIMEOUT"), outcome
    assert lab.open(server, bootTimeoutMs=BOOT_MS).load(PLUGIN).value("echo", 1) == 1


def test_a_page_whose_storage_is_blocked_runs_plugins_all_the_same(page: Page, server: LabServer) -> None:
    lab = Lab(page, f"{server.api_origin}/pages/lab.html")
    lab.ask(NO_STORAGE)
    assert lab.open(server).load(PLUGIN).value("echo", 1) == 1
