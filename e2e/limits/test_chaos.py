"""Faults at a plugin's port, by the development server's word: every call still ends, inside its window, and once.

The same seed meets the calls with the same faults, so what is asserted of a run is true of each one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.kit.lab import Lab, LabPlugin, Outcome
from pysandbox.core.chaos import parse_chaos
from pysandbox.core.limits import default
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Page

pytestmark = pytest.mark.one_engine  # it is Python in the host that is tested

PLUGIN = Path(__file__).parents[1] / "plugins" / "spine"
PAGES = Path(__file__).parents[1] / "pages"
TIMEOUT_MS = 400
HARD_MS = TIMEOUT_MS + default("graceMs")
LATE_MS = 1000  # what a busy machine may add
CALLS = 20

Victim = Callable[[str], LabPlugin]


@pytest.fixture
def victim(page: Page, dist: Path) -> Iterator[Victim]:
    """Loads the plugin in a sandbox with the given faults."""
    servers: list[DevServer] = []

    def load(chaos: str) -> LabPlugin:
        server = DevServer([PLUGIN], dist=dist, pages=PAGES, chaos=parse_chaos(chaos))
        servers.append(server)
        return Lab(page, f"{server.api_origin}/pages/lab.html").open(server).load("test.spine@1.0.0")

    yield load
    for server in servers:
        server.close()


def _calls(
    plugin: LabPlugin, handler: str, payload: object = None, *, timeout_ms: int = TIMEOUT_MS
) -> Iterator[Outcome]:
    for _ in range(CALLS):
        outcome = plugin.invoke(handler, payload, timeoutMs=timeout_ms)
        assert outcome["pageMs"] <= timeout_ms + default("graceMs") + LATE_MS, outcome
        yield outcome


def test_a_plugin_that_hangs_is_a_timeout_at_the_hard_limit(victim: Victim) -> None:
    outcome = victim("hang=1,seed=7").invoke("echo", 1, timeoutMs=TIMEOUT_MS)
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")
    assert TIMEOUT_MS <= outcome["pageMs"] <= HARD_MS + LATE_MS


def test_late_answers_are_answers(victim: Victim) -> None:
    for outcome in _calls(victim("latency=60-90,seed=7"), "echo", timeout_ms=5000):
        assert outcome["status"] == "ok", outcome
        assert outcome["pageMs"] >= 120, "there and back"


def test_some_calls_are_lost_and_every_one_ends_in_its_window(victim: Victim) -> None:
    plugin = victim("latency=0-20,drop=0.15,hang=0.1,seed=11")
    outcomes = list(_calls(plugin, "ask", {"permission": "webchat:session:read"}))
    kinds = Counter(outcome["status"] for outcome in outcomes)
    assert kinds["ok"] > 0, kinds
    assert kinds["timeout"] > 0, kinds
    assert kinds.keys() <= {"ok", "timeout", "killed", "unavailable"}, kinds
    assert len({outcome["correlationId"] for outcome in outcomes}) == CALLS
    assert plugin.lab.alerts() == []
