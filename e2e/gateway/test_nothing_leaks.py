"""No credential of the vendor's, and no field that is masked, is anywhere in what a browser received or holds.

Searched: every byte of its network log, the memory of all its processes, what the page was told.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.conftest import need_chromium
from e2e.kit.deployment import Deployment
from e2e.kit.direct import DirectPage
from e2e.kit.lab import Lab
from e2e.kit.received import EVERYTHING, memory_holds, network_log_holds
from pysandbox.gateway.proxy import credentials
from tests.bench.browser import Browser

MASKED = ("078-05-1120", "4111 1111 1111 1111")


@pytest.fixture(autouse=True)
def chromium() -> None:
    """The one engine whose network log and memory can be looked at so."""
    need_chromium()


def found_after_calls(
    deployment: Deployment, moods: list[str], log: Path, wanted: list[str], *, in_memory: bool = True
) -> set[str]:
    """Which of ``wanted`` and of the vendor's tokens a browser has after a call in each mood.

    ``in_memory``: search the memory of its processes too, which takes a minute.
    """
    with Browser(net_log=log, extra_args=EVERYTHING) as browser:
        page = DirectPage(browser)
        lab = Lab(page, f"{deployment.api_origin}/pages/lab.html").open_at(deployment.sandbox_origin, deployment.token)
        caller = lab.load("test.caller")
        for mood in moods:
            deployment.api.mood = mood
            assert caller.value("ask", {"json": {"customerId": "c-1"}})["status"] == 200
        told = json.dumps([lab.ask("() => [lab.telemetry, lab.alerts, lab.states]"), caller.heard()])
        texts = [*wanted, *deployment.api.tokens]
        held = memory_holds(browser.pid, texts) if in_memory else set[str]()
        page.close()
    return held | network_log_holds(log, texts) | {text for text in texts if text in told}


def test_no_credential_and_no_masked_field_is_in_the_browser(deployment: Deployment, tmp_path: Path) -> None:
    known = "vendor-7"  # of the same answers: what is there is found
    secrets = [deployment.api.client_secret, *MASKED]
    found = found_after_calls(deployment, ["well", "echo"], tmp_path / "net.json", [known, *secrets])
    assert deployment.api.tokens, "the gateway asked for no token, so none could leak"
    assert found == {known}


def test_control_without_the_redaction_the_token_is_found(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(credentials, "_echoes", lambda *_credentials: ())
    found = found_after_calls(deployment, ["echo"], tmp_path / "net.json", [], in_memory=False)
    assert found & deployment.api.tokens.keys()
