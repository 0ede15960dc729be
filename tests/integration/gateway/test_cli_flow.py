"""`pysandbox flow` against the real server: from a file to a run that is explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.administered import SCOPES, Administered, administered

FLOW = {"name": "greeting", "blocks": [
    {"id": "say", "type": "sendMessage", "to": "customer", "text": "Hello {{interaction.name}}", "next": "end",
     "onError": "end"},
    {"id": "end", "type": "routeToQueue", "queueId": "support"}]}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Administered]:
    with administered(tmp_path) as running:
        running.scopes = (*SCOPES, "architect:flow:write", "architect:flow:run")
        yield running


def test_a_flow_is_deployed_run_shown_and_removed(gateway: Administered, tmp_path: Path) -> None:
    flow, data = tmp_path / "flow.json", tmp_path / "input.json"
    flow.write_text(json.dumps(FLOW))
    data.write_text(json.dumps({"interaction": {"name": "Ada"}}))
    assert gateway.done("flow", "deploy", str(flow)) == "deployed greeting  version 1  longest 250 of 5000 ms\n"
    assert gateway.done("flow", "list") == "greeting  version 1  longest 250 of 5000 ms\n"
    first, said, end = gateway.done("flow", "start", "greeting", "--input", str(data), "--wait").splitlines()
    execution, state = first.split()
    assert (state, said.split(maxsplit=2)) == ("ended", ["to", "customer", "Hello Ada"])
    assert end.startswith("  ended in end: queue support, after ")
    assert gateway.done("flow", "show", execution).splitlines() == [first, said, end]
    journal = gateway.done("flow", "show", execution, "--journal")
    assert "ended in end: queue support" in gateway.done("flow", "explain", "-", text=journal)
    (tmp_path / "run.jsonl").write_text(journal)
    assert gateway.done("flow", "replay", str(flow), str(tmp_path / "run.jsonl")).startswith("ok ")
    gateway.done("flow", "remove", "greeting")
    gone = gateway.run("flow", "start", "greeting")
    assert gone.exit_code == 1
    assert "FLOW_NOT_FOUND" in gone.stderr


def test_a_bad_flow_is_refused_with_every_fault(gateway: Administered) -> None:
    bad = {**FLOW, "blocks": [{**FLOW["blocks"][0], "next": "nowhere"}, FLOW["blocks"][1], {"id": "x"}]}
    refused = gateway.run("flow", "deploy", "-", text=json.dumps(bad))
    assert refused.exit_code == 1
    assert "$.blocks[0].next" in refused.stderr
    assert "$.blocks[2].type" in refused.stderr


def test_a_run_is_named_with_its_flow(gateway: Administered) -> None:
    assert gateway.run("flow", "show", "abc").exit_code == 2
    assert "NOT_FOUND" in gateway.run("flow", "show", "greeting/abc").stderr
