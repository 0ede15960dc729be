"""3, 7, 14, 17, 20, 43, 51, 101: what a worker has not, what it can hear, and what patching its own realm brings it.

All of it JavaScript inside the worker, with every name that the browser ever gave it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import (
    ESCAPED,
    NO_BOOT_PROOF,
    NO_ORIGIN_CHECK,
    NO_SANDBOX_ATTRIBUTE,
    NO_STRIPPING,
    lost_cell_sandbox,
)
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import ISOLATED, LabServer
from pysandbox.testing.browsers import Browser

OpenLab = Callable[[LabServer], Lab]
ATTACKER = "test.attacker@1.0.0"
# Roads that a window has: documents, other windows, what is typed and shown, hints to resolve or connect.
OF_A_WINDOW = (
    "document window parent top opener frames history localStorage sessionStorage HTMLElement HTMLLinkElement Image "
    "KeyboardEvent onkeydown InputEvent Clipboard alert confirm print open RTCPeerConnection DOMParser Selection"
)
CANARY = "canary-of-a-neighbour"


@pytest.fixture(scope="module")
def lab(serve: Serve, open_lab: OpenLab) -> Lab:
    return open_lab(serve(ESCAPED))


@pytest.fixture(scope="module")
def attacker(lab: Lab) -> LabPlugin:
    return lab.load(ATTACKER)


def test_a_worker_has_nothing_of_a_window(attacker: LabPlugin) -> None:
    assert attacker.value("take", ["there", f"{OF_A_WINDOW} Promise"]) == ["Promise"]


def test_control_the_page_has_all_of_it(browser: Browser, lab: Lab) -> None:
    """So no name of the list is misspelt. WebKitGTK is built without WebRTC."""
    missing = lab.ask("(names) => names.split(' ').filter((name) => !(name in window))", OF_A_WINDOW)
    assert missing == (["RTCPeerConnection"] if browser.engine == "webkit" else [])


def overheard(attacker: LabPlugin, other: LabPlugin) -> object:
    """How much one plugin hears of what another one broadcasts."""
    hearing = attacker.start("take", ["overhear", "lab", 600])
    for _ in range(3):
        other.value("take", ["broadcast", "lab"])
    return attacker.lab.finish(hearing)["value"]


def test_one_plugin_overhears_nothing_that_another_broadcasts(lab: Lab, attacker: LabPlugin) -> None:
    other = lab.load(ATTACKER)
    assert overheard(attacker, other) in (0, "absent")
    other.unload()


def test_control_on_the_hosts_origin_it_does(serve: Serve, open_lab: OpenLab) -> None:
    walls = (*ESCAPED, *NO_SANDBOX_ATTRIBUTE, *NO_BOOT_PROOF, *NO_ORIGIN_CHECK)
    lab = open_lab(serve(walls, change=lost_cell_sandbox))
    assert overheard(lab.load(ATTACKER), lab.load(ATTACKER)) > 0


def test_patched_prototypes_see_their_own_messages_alone(lab: Lab, attacker: LabPlugin) -> None:
    """What its own text shows is the control: the patches do see what comes by."""
    spy, neighbour = lab.load(ATTACKER), lab.load("test.spine@1.0.0")
    assert spy.value("take", ["spy"]) is None
    assert neighbour.value("echo", CANARY) == CANARY
    assert spy.value("echo", "its own text") == "its own text"
    assert spy.value("take", ["spied", CANARY]) == 1, "its own question, which names the canary, and nothing else"
    assert spy.value("take", ["spied", "its own text"]) > 1
    assert lab.ask("() => [Object.prototype.op, Object.prototype.ports, [].push.name]") == [None, None, "push"]
    assert attacker.value("echo", 1) == 1
    spy.unload()
    neighbour.unload()


def test_its_clock_has_a_grain(browser: Browser, attacker: LabPlugin) -> None:
    firefox_ms = 0.019 if ISOLATED else 0.9  # it trusts a page that is isolated with more
    least_ms = {"chromium": 0.0049, "firefox": firefox_ms, "webkit": 0.9}[browser.engine]
    assert attacker.value("take", ["grain"]) >= least_ms


def test_another_webassembly_memory_harms_nobody_and_goes_with_its_worker(lab: Lab) -> None:
    """It is had, in a realm that has every name again: what is left of the attack stands among what is left."""
    hoarder, neighbour = lab.load(ATTACKER), lab.load("test.spine@1.0.0")
    assert hoarder.value("take", ["memory", 96]) == 96
    assert neighbour.value("echo", 1) == 1
    hoarder.unload()
    neighbour.unload()


def test_control_without_the_stripping_the_names_are_there(serve: Serve, open_lab: OpenLab) -> None:
    plugin = open_lab(serve((*ESCAPED, *NO_STRIPPING))).load(ATTACKER)
    left = plugin.value("take", ["names"])
    assert {"Worker", "WebSocket", "indexedDB", "BroadcastChannel"} <= set(left)
