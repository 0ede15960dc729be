"""Kills in a row in one page leave nothing: no memory, no worker, frame, port or listener.

Chromium alone tells all of that. `make soak` makes 200 of them. e2e/output/kills.json
keeps what was measured.
"""

from __future__ import annotations

import json
import os

import pytest

from e2e.conftest import OUTPUT, need_chromium
from e2e.kit.census import census
from e2e.kit.direct import DirectPage
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer
from tests.bench.browser import Browser
from tests.bench.measure.memory import settled

pytestmark = pytest.mark.alone

KILLS = int(os.environ.get("PYSANDBOX_KILLS", "20"))
WARM_UP = 10  # engines compile hot code and fill their caches in the first ones
DEADLINE_MS = 50
MAY_GROW = 1.10
SPARE_READY = """() => new Promise((resolve) => {
  const full = () => frames[0].length === 2 ? setTimeout(resolve, 1500) : setTimeout(full, 50);
  full();
})"""


def kill(plugin: LabPlugin, times: int) -> None:
    """Each is followed by a good call: what has failed too often in a row rests."""
    for _ in range(times):
        outcome = plugin.invoke("loop_that_catches_everything", timeoutMs=DEADLINE_MS)
        assert outcome["status"] == "timeout", outcome
        assert plugin.next_outcome("good", 7)["status"] == "ok"


@pytest.mark.slow
@pytest.mark.timeout(120 + 5 * KILLS)
def test_kills_in_a_row_leave_nothing_behind(lab_server: LabServer) -> None:
    need_chromium()
    with Browser() as browser:
        page = DirectPage(browser)
        lab = Lab(page, f"{lab_server.api_origin}/pages/lab.html").open(lab_server)
        plugin = lab.load("test.wicked@1.0.0")
        kill(plugin, WARM_UP)
        lab.ask(SPARE_READY)
        lived, used = census(browser.devtools_url()), settled(browser).own_bytes
        generation = plugin.invoke("good")["generation"]

        kill(plugin, KILLS)

        lab.ask(SPARE_READY)
        still_used, still_lives = settled(browser).own_bytes, census(browser.devtools_url())
        measured = {
            "kills": KILLS, "bytesBefore": used, "bytesAfter": still_used, "before": lived, "after": still_lives,
        }  # fmt: skip
        OUTPUT.mkdir(exist_ok=True)
        (OUTPUT / "kills.json").write_text(json.dumps(measured, indent=1) + "\n")
        assert still_used <= used * MAY_GROW
        assert still_lives == lived
        assert lived["realms worker blob:null"] == 2, lived  # the plugin's and the spare's
        assert plugin.invoke("good")["generation"] >= generation + KILLS
        page.close()
