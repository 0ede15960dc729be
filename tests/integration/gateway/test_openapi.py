"""`/openapi.json` is true: every operation is there, no other, and the server answers as it says, whatever is sent."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.routing import Route

from pysandbox.gateway.auth.principal import (
    EDIT_INTEGRATIONS,
    MANAGE_PLUGINS,
    MANAGE_SESSIONS,
    OPEN_SESSIONS,
    READ_AUDIT,
    READ_METRICS,
    RUN_FLOWS,
    WRITE_FLOWS,
)
from pysandbox.gateway.config_checks import places
from pysandbox.gateway.dist import load_dist
from pysandbox.gateway.openapi import document
from pysandbox.gateway.openapi_operations import OPERATIONS, PLATFORM, SESSION, Operation
from pysandbox.gateway.parts import open_gateway
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.vault.keys import VARIABLE, new_key
from tests.unit.gateway.fake_dist import write_dist

ALL = (EDIT_INTEGRATIONS, MANAGE_PLUGINS, MANAGE_SESSIONS, OPEN_SESSIONS, READ_AUDIT, READ_METRICS, RUN_FLOWS,
    WRITE_FLOWS)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    unsupported_method]
PAGES = {("GET", path) for path in (
    "/dashboard", "/dashboard/{name}", "/selftest", "/selftest/about.json", "/selftest/frame.html", "/selftest/{name}")}
"""For people; what they ask is told like everything else."""
TIMEOUT_S = 20
schema = schemathesis.openapi.from_dict(document("http://127.0.0.1"))
users = itertools.count()


def test_each_operation_is_served_and_each_that_is_served_is_told(tmp_path: Path) -> None:
    chosen = Settings(data_dir=tmp_path, dist=write_dist(tmp_path / "dist"))

    async def served() -> set[tuple[str, str]]:
        found = {("GET", "/openapi.json")}
        async with open_gateway(chosen, places(chosen, 1, 2), load_dist(chosen.dist)) as gateway:
            for route in gateway.routes:
                assert isinstance(route, Route)
                path = route.path.replace(":path}", "}")
                found |= {(method, path) for method in (route.methods or ()) if method != "HEAD"}
        return found

    assert {(one.method, one.path) for one in OPERATIONS} | PAGES == asyncio.run(served())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    folder = tmp_path_factory.mktemp("openapi")
    chosen = Settings(
        port=0, sandbox_port=0, data_dir=folder / "data", dist=write_dist(folder / "dist"), access_log=False,
        session_per_minute=100_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, new_key())
        with GatewayServer(chosen) as running:
            yield running


def session_token(server: GatewayServer) -> str:
    """Of a user of its own, since users may open so many sessions a minute."""
    bearer = {"Authorization": f"Bearer {server.token(OPEN_SESSIONS, subject=f'u{next(users)}')}"}
    opened = requests.post(f"{server.api_origin}/api/v2/sessions", headers=bearer, timeout=TIMEOUT_S)
    return opened.json()["token"]


def test_the_document_is_served_to_everybody(server: GatewayServer) -> None:
    told = requests.get(f"{server.api_origin}/openapi.json", timeout=TIMEOUT_S)
    assert told.json() == document(server.api_origin)


@schema.exclude(path="/api/v2/plugins/changes").parametrize()  # it waits for news
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_told(case: schemathesis.Case, server: GatewayServer) -> None:
    told = case.operation
    [one] = [one for one in OPERATIONS if (one.method, one.path) == (told.method.upper(), told.path)]
    tokens = {PLATFORM: lambda: server.token(*ALL, subject=f"a{next(users)}"), SESSION: lambda: session_token(server)}
    for by in one.by:
        case.headers["Authorization"] = f"Bearer {tokens[by]()}"
        case.call_and_validate(base_url=server.api_origin, checks=CHECKS, timeout=TIMEOUT_S)


@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.by], ids=lambda one: f"{one.method} {one.path}")
def test_without_a_good_token_nothing_is_answered(one: Operation, server: GatewayServer) -> None:
    address = server.api_origin + one.path.replace("{", "").replace("}", "")
    for fields in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {server.token('another:scope')}"}):
        answer = requests.request(one.method, address, headers=fields, timeout=TIMEOUT_S)
        assert answer.status_code in (401, 403), (fields, answer.text)
        assert answer.json()["error"]["code"] in ("SESSION_INVALID", "PERMISSION_DENIED")
