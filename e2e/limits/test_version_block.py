"""A version that is blocked while pages have it open ends there within seconds, and nothing loads it again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.kit.lab import Lab, LabError, LabPlugin, Outcome
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Page

pytestmark = pytest.mark.one_engine  # it is Python in the host that is tested

ID, VERSION = "test.spine", "1.0.0"
PLUGIN = Path(__file__).parents[1] / "plugins" / "spine"
PAGES = Path(__file__).parents[1] / "pages"
WITHIN_S = 3.0  # far below the 8 s for which a question stays open: it is answered when something changes
BLOCKED = ("unavailable", "PLUGIN_BLOCKED")


@pytest.fixture
def server(dist: Path) -> Iterator[DevServer]:
    with DevServer([PLUGIN], dist=dist, pages=PAGES) as running:
        yield running


@pytest.fixture
def lab(page: Page, server: DevServer) -> Lab:
    return Lab(page, f"{server.api_origin}/pages/lab.html").open(server)


def _status(outcome: Outcome) -> tuple[str, str]:
    return outcome["status"], outcome["error"]["code"]


def _load_refused(lab: Lab) -> str:
    with pytest.raises(LabError) as caught:
        lab.load(f"{ID}@{VERSION}")
    return caught.value.code


def test_what_is_pending_and_what_comes_later_is_unavailable(lab: Lab, server: DevServer) -> None:
    plugin: LabPlugin = lab.load(f"{ID}@{VERSION}")
    assert plugin.value("echo", 1) == 1
    waiting = plugin.start("wait")
    spinning = plugin.start("spin")
    time.sleep(0.5)  # both are under way
    began = time.monotonic()
    server.block(ID, VERSION)
    ended = [_status(lab.finish(ticket)) for ticket in (waiting, spinning)]
    assert time.monotonic() - began < WITHIN_S
    assert ended == [BLOCKED, BLOCKED]
    assert _status(plugin.invoke("echo", 1)) == BLOCKED
    assert _load_refused(lab) == "PLUGIN_BLOCKED"


def test_a_version_that_is_enabled_again_can_be_loaded_again(lab: Lab, server: DevServer) -> None:
    server.block(ID, VERSION)
    assert _load_refused(lab) == "PLUGIN_BLOCKED"
    server.unblock(ID, VERSION)
    assert lab.load(f"{ID}@{VERSION}").value("echo", "again") == "again"
