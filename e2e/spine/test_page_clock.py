"""The page's own signals and its last timer: what they decide, and what they leave to the sandbox."""

from __future__ import annotations

import pytest

from e2e.kit.lab import LabPlugin

pytestmark = pytest.mark.alone

TIMEOUT_MS = 300
STANDS_STILL_MS = 2500  # far past the page's own last timer


@pytest.mark.parametrize("kind", ["timeout", "any"])
def test_signals_that_the_browser_makes_abort_an_invocation(spine: LabPlugin, kind: str) -> None:
    outcome = spine.invoke("wait", abortAfterMs=100, abortBy=kind)
    assert (outcome["status"], outcome["error"]["code"]) == ("aborted", "PLUGIN_ABORTED")
    assert outcome["pageMs"] < 3000


@pytest.mark.engines("chromium", "firefox")  # in WebKit what workers say to each other waits for the page as well
def test_a_page_that_stood_still_still_hears_the_sandboxs_own_outcome(spine: LabPlugin) -> None:
    """Its last timer and the outcome wait for their turn together: the outcome, which knows more, is the one told."""
    outcome = spine.invoke("spin", None, timeoutMs=TIMEOUT_MS, blockMs=STANDS_STILL_MS)
    assert outcome["pageMs"] > STANDS_STILL_MS
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")
    assert outcome["layer"] != "page"
    assert outcome["durationMs"] < STANDS_STILL_MS
    assert spine.next_outcome("echo", 1)["status"] == "ok"
