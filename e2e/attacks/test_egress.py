"""1, 2, 3, 4, 5, 6, 82, 83, 84: no road from the plugin's realm reaches a listening server or turns text into code.

The attack is JavaScript inside the worker with every name that the browser ever gave it: hardening is not what is
tested. With all outer walls standing nothing gets out; with the cell's policy gone (header, meta and boot proof) each
road does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import ESCAPED, NO_BOOT_PROOF, NO_META_CSP, any_frame, cell_navigates, lost_cell_csp
from e2e.kit.lab import Lab, LabError
from e2e.kit.listener import Listener
from e2e.kit.server import Change
from pysandbox.testing.browsers import Page

EGRESS = [
    "fetch", "fetch_post", "xhr", "xhr_sync", "websocket", "eventsource", "import_url", "importscripts_url",
    "nested_fetch", "nested_importscripts", "webtransport",
]  # fmt: skip
EVALUATION = [
    "eval", "function_constructor", "async_constructor", "timeout_text", "importscripts_blob", "importscripts_data",
    "import_blob", "import_data", "nested_eval",
]  # fmt: skip
SETTLE_S = 0.3  # for a request that is on its way although its script was told otherwise


class Report(NamedTuple):
    """What each road said, and what the server saw."""

    egress: dict[str, str]
    evaluation: dict[str, str]
    hits: list[str]


def attacked(lab: Lab, listener: Listener) -> Report:
    plugin = lab.load("test.attacker@1.0.0")
    before = len(listener.lines)
    where = f"127.0.0.1:{listener.port}"
    egress = plugin.value("take", ["egress", f"http://{where}", f"ws://{where}"])
    evaluation = plugin.value("take", ["evaluation"])
    time.sleep(SETTLE_S)
    return Report(egress, evaluation, listener.lines[before:])


@pytest.fixture(scope="module")
def walled(serve: Serve, open_lab: Callable[..., Lab], listener: Listener) -> Report:
    return attacked(open_lab(serve(ESCAPED)), listener)


@pytest.fixture(scope="module")
def unwalled(serve: Serve, open_lab: Callable[..., Lab], listener: Listener) -> Report:
    server = serve((*ESCAPED, *NO_META_CSP, *NO_BOOT_PROOF), change=lost_cell_csp)
    return attacked(open_lab(server), listener)


@pytest.mark.parametrize("road", EGRESS)
def test_no_road_reaches_a_listening_server(walled: Report, road: str) -> None:
    assert walled.hits == []
    assert walled.egress[road] == "absent" or walled.egress[road].startswith("refused"), walled.egress[road]


@pytest.mark.parametrize("road", EGRESS)
def test_control_without_the_policy_each_road_does(unwalled: Report, road: str) -> None:
    if unwalled.egress[road] == "absent":
        pytest.skip(f"this engine's workers have no {road}")
    assert any(f" /{road}" in hit for hit in unwalled.hits), (unwalled.egress[road], unwalled.hits)


def test_there_is_no_beacon_in_a_worker(walled: Report) -> None:
    assert "not a function" in walled.egress["beacon"]


def test_control_without_the_policy_there_is_none_either(unwalled: Report) -> None:
    assert "not a function" in unwalled.egress["beacon"]
    assert not [hit for hit in unwalled.hits if "/beacon" in hit]


@pytest.mark.parametrize("road", EVALUATION)
def test_text_never_becomes_code(walled: Report, road: str) -> None:
    assert walled.evaluation[road].startswith("refused"), walled.evaluation[road]


@pytest.mark.parametrize("road", EVALUATION)
def test_control_without_the_policy_it_does(unwalled: Report, road: str) -> None:
    assert unwalled.evaluation[road].startswith("open"), unwalled.evaluation[road]


def hits_of_a_cell_that_navigates(page: Page, serve: Serve, listener: Listener, change: Change | None) -> list[str]:
    """Chromium puts an error page in place of a cell whose navigation it blocked, the others keep the cell."""
    before = len(listener.lines)
    server = serve((cell_navigates(f"http://127.0.0.1:{listener.port}/navigated?stolen"),), change=change)
    lab = Lab(page, f"{server.api_origin}/pages/lab.html").open(server)
    with contextlib.suppress(LabError):
        lab.load("test.attacker@1.0.0")
    time.sleep(SETTLE_S)
    return [line for line in listener.lines[before:] if "/navigated" in line]


def test_a_cell_cannot_take_its_data_elsewhere(page: Page, serve: Serve, listener: Listener) -> None:
    assert hits_of_a_cell_that_navigates(page, serve, listener, None) == []


def test_control_without_the_frame_policy_it_can(page: Page, serve: Serve, listener: Listener) -> None:
    assert hits_of_a_cell_that_navigates(page, serve, listener, any_frame) != []
