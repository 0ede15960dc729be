"""42, 61, 62, 91, 93: what a plugin started goes when it goes, and where engines can, it has a process of its own.

Spinning workers and canvases are of the realm as the browser made it; the product takes both names away. Whether they
go on is read from the processor's time of the browser's processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import CELLS, ESCAPED, HOST
from e2e.kit.busy import busy_s
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import ISOLATED, LabServer
from pysandbox.testing.browsers import Browser, Page

OpenLab = Callable[[LabServer], Lab]
ATTACKER = "test.attacker@1.0.0"
SPAN_S = 1.5
ENDS_WITHIN_S = 20.0
SPINNERS = 1
STARTED_S = 1.0


@pytest.fixture(scope="module")
def lab(serve: Serve, open_lab: OpenLab) -> Lab:
    return open_lab(serve(ESCAPED))


@pytest.fixture(scope="module")
def neighbour(lab: Lab) -> LabPlugin:
    return lab.load("test.spine@1.0.0")


@pytest.mark.alone  # it spins, and counts the processor's time
@pytest.mark.parametrize("attack", [["spinners", SPINNERS], ["canvas"]], ids=["workers", "canvas"])
def test_what_it_started_ends_with_it(
    browser: Browser, lab: Lab, neighbour: LabPlugin, attack: list[object]
) -> None:
    attacker = lab.load(ATTACKER)
    idle = min(busy_s(browser.pids, SPAN_S) for _ in range(3))  # what was just loaded may still be compiled
    said = attacker.value("take", attack)
    if said == "absent":
        pytest.skip(f"this engine's cells have no {attack[0]}")
    time.sleep(STARTED_S)
    added = busy_s(browser.pids, SPAN_S) - idle
    assert neighbour.value("echo", 1) == 1
    attacker.unload()
    end = time.monotonic() + ENDS_WITHIN_S
    while (left := busy_s(browser.pids, SPAN_S) - idle) > added / 3 and time.monotonic() < end:
        assert neighbour.value("echo", 1) == 1
    assert added > 0.3, "it has to be busy, or nothing is shown"
    assert left <= added / 3


def test_what_it_left_ticking_is_not_heard_after_it_is_unloaded(lab: Lab, neighbour: LabPlugin) -> None:
    attacker = lab.load(ATTACKER)
    assert attacker.value("ticks_for_ever") == "ticking"
    lab.page.wait_for(f"lab.heard({attacker.number}).length > 3", timeout_s=20)
    attacker.unload()
    heard = len(attacker.heard())
    time.sleep(0.4)
    assert neighbour.value("echo", 1) == 1
    assert len(attacker.heard()) == heard
    assert lab.alerts() == []


def processes_of_plugins(browser: Browser, page: Page, server: LabServer) -> int:
    """How many processes two further plugins bring."""
    lab = Lab(page, f"{server.api_origin}/pages/lab.html").open(server, spares=0)
    assert lab.load("test.spine@1.0.0").value("echo", 1) == 1
    before = len(browser.pids())
    for _ in range(2):
        assert lab.load("test.spine@1.0.0").value("echo", 1) == 1
    return len(browser.pids()) - before


def without_isolation(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: what gives each cell a process in Chromium is lost."""
    if path in (HOST, *CELLS):
        del headers["Document-Isolation-Policy"]
    return body


@pytest.mark.chromium_only
def test_in_chromium_each_plugin_has_a_process_of_its_own(browser: Browser, page: Page, lab_server: LabServer) -> None:
    assert processes_of_plugins(browser, page, lab_server) >= 2


@pytest.mark.skipif(ISOLATED, reason="in an isolated page they have processes of their own without that header too")
@pytest.mark.chromium_only
def test_control_without_its_header_they_share_one(browser: Browser, page: Page, serve: Serve) -> None:
    assert processes_of_plugins(browser, page, serve((), change=without_isolation)) == 0


@pytest.mark.engines("firefox", "webkit")
def test_in_other_engines_they_share_one(browser: Browser, page: Page, lab_server: LabServer) -> None:
    """What is left there. An engine that mends it shows here."""
    assert processes_of_plugins(browser, page, lab_server) < 2
