"""Deadlines hold in a tab that nobody sees, where Chromium wakes the page's own timers once a second at most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.conftest import need_chromium
from e2e.kit.direct import DirectPage
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer
from e2e.limits.rows import ROWS, Row
from e2e.limits.runs import run
from tests.bench.browser import Browser

pytestmark = pytest.mark.alone

TICKS = """() => new Promise((resolve) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 20);
  setTimeout(() => { clearInterval(timer); resolve(ticks); }, 2000);
})"""
UNTHROTTLED = 2000 / 20


@pytest.fixture(scope="module")
def hidden(lab_server: LabServer) -> Iterator[Lab]:
    """An open sandbox in a tab behind another."""
    need_chromium()
    with Browser(throttled=True) as browser:
        page = DirectPage(browser)
        lab = Lab(page, f"{lab_server.api_origin}/pages/lab.html").open(lab_server)
        page.hide()
        yield lab
        page.close()


@pytest.fixture(scope="module")
def wicked(hidden: Lab) -> LabPlugin:
    return hidden.load("test.wicked@1.0.0")


def test_control_its_own_timers_are_slowed_down(hidden: Lab) -> None:
    assert hidden.ask("() => document.visibilityState") == "hidden"
    assert hidden.ask(TICKS) < UNTHROTTLED / 10


@pytest.mark.parametrize("row", [pytest.param(row, id=row.handler) for row in ROWS if row.everywhere])
def test_it_ends_in_time(hidden: Lab, wicked: LabPlugin, row: Row) -> None:
    run(hidden, wicked, row, quiet=False)
    assert hidden.ask("() => document.visibilityState") == "hidden"
