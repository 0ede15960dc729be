"""`pysandbox route` against the real server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.integration.gateway.administered import Administered, administered
from tests.integration.gateway.serving import serving
from tests.unit.gateway.fake_plugin import write_plugin

PLUGIN = "com.vendor.risk-scoring@2.1.0"
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


def test_a_request_is_tried_as_a_plugin_would_send_it_and_the_session_ended(
    gateway: Administered, file: Path, tmp_path: Path
) -> None:
    gateway.done("plugin", "add", str(write_plugin(tmp_path / "plugin")))
    gateway.done("plugin", "grant", PLUGIN, "--all", text="y\n")
    gateway.done("plugin", "enable", PLUGIN)
    with serving(Starlette(routes=[Route("/v1/{path:path}", said, methods=["GET", "POST"])])) as origin:
        upstream = {"baseUrl": f"{origin}/v1", "allowAddresses": ["127.0.0.1/32"]}
        masked = {"responseTransform": {"maskFields": ["ssn"]}}
        gateway.done("route", "add", "-", text=json.dumps({**ROUTE, "upstream": upstream, **masked}))
        tried = gateway.run("route", "try", "/proxy/risk/evaluate?deep=1", "--plugin", PLUGIN, "--data", str(file))
        assert tried.exit_code == 0, tried.output
        told = json.loads(tried.stdout)
        assert (told["asked"], json.loads(told["body"])) == ("POST /v1/evaluate?deep=1", ROUTE)
        assert told["ssn"] != "078-05-1120"
        assert tried.stderr == "status 200  upstream\n"
        gone = gateway.run("route", "try", "/proxy/risk/gone", "--plugin", PLUGIN, "--json")
        assert (gone.exit_code, json.loads(gone.stdout)["status"]) == (1, 404)
    denied = gateway.run("route", "try", "/proxy/other", "--plugin", PLUGIN)
    assert denied.exit_code == 1
    assert "ROUTE_NOT_FOUND" in denied.stderr
    with closing(sqlite3.connect(tmp_path / "data" / "gateway.db")) as rows:
        assert rows.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


async def said(request: Request) -> Response:
    """What reached the API, and something that no plugin may see."""
    status = 404 if request.url.path.endswith("gone") else 200
    asked = f"{request.method} {request.url.path}?{request.url.query}"
    return JSONResponse({"asked": asked, "body": (await request.body()).decode(), "ssn": "078-05-1120"}, status)
