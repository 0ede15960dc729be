"""A page that is cross-origin isolated runs plugins too: where an engine lets it, and where not it is told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.kit.lab import Lab, LabError
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Page


@pytest.fixture(scope="module")
def isolating(dist: Path) -> Iterator[LabServer]:
    with LabServer(PLUGINS, dist=dist, pages=PAGES, isolated=True) as running:
        yield running


@pytest.fixture
def isolated(page: Page, isolating: LabServer) -> Lab:
    lab = Lab(page, f"{isolating.api_origin}/pages/lab.html")
    assert page.evaluate("() => crossOriginIsolated") is True
    return lab


@pytest.mark.engines("chromium", "firefox")
def test_it_runs_a_plugin_and_ends_one_that_does_not_stop(isolated: Lab, isolating: LabServer) -> None:
    plugin = isolated.open(isolating).load("test.spine@1.0.0")
    assert plugin.value("echo", {"in": "isolation"}) == {"in": "isolation"}
    outcome = plugin.invoke("spin", timeoutMs=300)
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")
    assert plugin.value("echo", 2) == 2


@pytest.mark.engines("webkit")
def test_webkit_starts_no_worker_there_and_says_so(isolated: Lab, isolating: LabServer) -> None:
    isolated.open(isolating)
    with pytest.raises(LabError, match="WebKit does not in a cross-origin isolated page") as caught:
        isolated.load("test.spine@1.0.0")
    assert caught.value.code == "BOOT_FAILED"
