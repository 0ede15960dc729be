"""`pysandbox route` against the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.administered import Administered, administered

ROUTE = {
    "name": "risk-api", "routePattern": "/proxy/risk/*", "authMethod": "none",
    "upstream": {"baseUrl": "https://api.vendor.example"}, "plugins": ["com.vendor.risk-scoring"]}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Administered]:
    with administered(tmp_path) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "route.json"
    path.write_text(json.dumps(ROUTE))
    return path


def test_a_route_is_added_listed_shown_and_removed(gateway: Administered, file: Path) -> None:
    line = "risk-api  enabled  /proxy/risk/* → https://api.vendor.example\n"
    assert gateway.done("route", "add", str(file)) == f"added {line}"
    assert gateway.done("route", "list") == line
    assert gateway.json("route", "show", "risk-api") == {**ROUTE, "state": "enabled"}
    assert gateway.run("route", "remove", "risk-api").stderr == "removed risk-api\n"
    assert gateway.json("route", "list") == {"routes": []}


def test_what_show_prints_can_be_edited_and_put_back(gateway: Administered, file: Path) -> None:
    gateway.done("route", "add", str(file))
    shown = json.loads(gateway.done("route", "show", "risk-api"))
    assert shown == ROUTE
    again = gateway.run("route", "add", "-", text=json.dumps({**shown, "enabled": False}))
    assert again.exit_code == 1
    assert "is taken" in again.stderr
    changed = gateway.done("route", "add", "-", "--replace", text=json.dumps({**shown, "enabled": False}))
    assert changed == "changed risk-api  disabled  /proxy/risk/* → https://api.vendor.example\n"


def test_a_route_without_an_upstream_says_that_it_answers_nobody(gateway: Administered) -> None:
    body = {key: value for key, value in ROUTE.items() if key != "upstream"}
    added = gateway.run("route", "add", "-", text=json.dumps(body))
    assert added.stdout == "added risk-api  upstreamMissing  /proxy/risk/* → no upstream\n"
    assert "answers nobody until it names an upstream" in added.stderr


def test_a_bad_route_is_refused_with_every_problem(gateway: Administered) -> None:
    refused = gateway.run("route", "add", "-", text=json.dumps({**ROUTE, "authMethod": "magic", "timeoutMs": 1}))
    assert refused.exit_code == 1
    assert "$.authMethod" in refused.stderr
    assert "$.timeoutMs" in refused.stderr


def test_a_key_that_is_there_twice_reaches_the_gateway_and_is_refused(gateway: Administered) -> None:
    text = json.dumps(ROUTE)[:-1] + ', "authMethod": "basic"}'
    refused = gateway.run("route", "add", "-", text=text)
    assert refused.exit_code == 1
    assert "INPUT_INVALID" in refused.stderr
    assert gateway.json("route", "list") == {"routes": []}


def test_a_route_that_is_not_there_is_told(gateway: Administered, file: Path) -> None:
    for command in (["show", "risk-api"], ["remove", "risk-api"], ["add", str(file), "--replace"]):
        refused = gateway.run("route", *command)
        assert refused.exit_code == 1
        assert "NOT_FOUND" in refused.stderr
