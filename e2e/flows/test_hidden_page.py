"""The page is hidden in the middle of a run, in a browser that then wakes its timers once a second at most: the flow
ends all the same, in its author's block, in its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.conftest import need_chromium
from e2e.flows.conftest import begin, flow
from e2e.kit.direct import DirectPage
from e2e.kit.lab import PATIENCE_S, Lab
from e2e.kit.server import LabServer
from e2e.limits.test_hidden_tab import TICKS, UNTHROTTLED
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.journal import replay
from tests.bench.browser import Browser

pytestmark = pytest.mark.alone

TIMEOUT_MS = 2500  # of the flow's block
WAIT_MS = 3000
WAITS = {"blocks": [
    {"id": "pause", "type": "wait", "ms": WAIT_MS, "next": "end"},
    {"id": "end", "type": "routeToQueue", "queueId": "q"},
]}  # fmt: skip


@pytest.fixture
def tab() -> Iterator[DirectPage]:
    """One that is still in front."""
    need_chromium()
    with Browser(throttled=True) as browser:
        page = DirectPage(browser)
        yield page
        page.close()


def test_a_run_ends_in_its_time_though_the_page_is_hidden_meanwhile(tab: DirectPage, faulty_server: LabServer) -> None:
    seen = Lab(tab, f"{faulty_server.api_origin}/pages/lab.html").open(faulty_server)
    for customer_id in ("sleeps", "spins"):
        ticket = begin(seen, customer_id)
        tab.wait_for("lab.steps.at(-1)?.event === 'blockStarted'", timeout_s=PATIENCE_S)
        tab.hide()
        ran = tab.evaluate("(t) => lab.finish(t)", ticket, timeout_s=90)
        assert "rejected" not in ran, ran
        assert seen.ask("() => document.visibilityState") == "hidden"
        ending = ran["ending"]
        assert (ending["block"], ending["withinSla"]) == ("fallback_to_standard_queue", True), ran
        assert ending["metadata"]["pluginFailureReason"] == "PLUGIN_TIMEOUT"
        assert ran["blocks"][0]["durationMs"] <= TIMEOUT_MS + 500
        assert replay(parse_flow(flow("risk.json")), ran["journal"]) == ran["journal"]
    assert seen.ask(TICKS) < UNTHROTTLED / 10, "the page's own timers are slowed down, or nothing was shown"
    ran = tab.evaluate("(t) => lab.finish(t)", begin(seen, "c-1", of=WAITS), timeout_s=90)
    assert "rejected" not in ran, ran
    began, ended = (event["atMs"] for event in ran["journal"] if event.get("block") == "pause")
    assert WAIT_MS - 50 <= ended - began <= WAIT_MS + 500
