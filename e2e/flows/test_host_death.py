"""The host dies in the middle of a run: the next one goes on by the journal, and the flow ends once, in a block of its
author's, inside its SLA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.flows.conftest import begin, flow
from e2e.kit.lab import PATIENCE_S, Lab
from e2e.kit.server import LabServer
from e2e.limits.test_host_death import DIES
from e2e.variants import variant
from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.journal import replay
from pysandbox.testing.browsers import Page

pytestmark = pytest.mark.one_engine


@pytest.fixture(scope="module")
def mortal(dist: Path, faulty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    folder = variant(dist, tmp_path_factory.mktemp("variant"), [DIES])
    spine = next(path for path in PLUGINS if path.name == "spine")
    with LabServer([faulty, spine], dist=folder, pages=PAGES) as running:
        yield running


def test_a_run_is_gone_on_with_and_its_call_counts_as_interrupted(page: Page, mortal: LabServer) -> None:
    lab = Lab(page, f"{mortal.api_origin}/pages/lab.html").open(mortal)
    other = lab.load("test.spine@1.0.0")
    ticket = begin(lab, "sleeps")
    page.wait_for("lab.steps.length >= 2", timeout_s=PATIENCE_S)
    assert other.invoke("host.raises")["error"]["code"] == "HOST_CRASHED"
    ran = page.evaluate("(t) => lab.finish(t)", ticket, timeout_s=90)
    assert "rejected" not in ran, ran
    assert ran["ending"]["block"] == "fallback_to_standard_queue"
    assert ran["ending"]["metadata"]["pluginFailureReason"] == "INTERRUPTED"
    assert [event["event"] for event in ran["journal"]] == ["flowStarted", "blockStarted", "blockEnded", "flowEnded"]
    assert replay(parse_flow(flow("risk.json")), ran["journal"]) == ran["journal"]
    assert [step["n"] for step in lab.ask("() => lab.steps")] == sorted({step["n"] for step in ran["journal"]})
