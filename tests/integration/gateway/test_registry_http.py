"""The registry and the proxy routes of the real server, over real sockets: from a bundle to what a page loads."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.registered import NAME, sent
from tests.unit.gateway.test_route_store import GUIDE

VERSION = f"/api/v2/plugins/{NAME}/versions/2.1.0"
ROUTES = "/api/v2/integrations/proxy/routes"
MANAGE, EDIT, READ, AUDIT = (
    "application:plugin:manage", "integration:edit", "webchat:session:read", "telemetry:audit:read")


@dataclass
class Client:
    """Asks one server."""

    server: GatewayServer

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.server.api_origin.removeprefix("http://"), timeout=20)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Authorization": f"Bearer {token or self.admin}"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            return answer.status, json.loads(content) if is_json else content
        finally:
            connection.close()

    @property
    def admin(self) -> str:
        return self.server.token(MANAGE, EDIT, READ, AUDIT)

    def session(self) -> dict[str, Any]:
        status, opened = self.ask("POST", "/api/v2/sessions")
        assert status == 200, opened
        return opened


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    settings = Settings(port=0, sandbox_port=0, data_dir=tmp_path / "data", dist=write_dist(tmp_path / "dist"))
    with GatewayServer(settings) as server:
        yield Client(server)


def published(client: Client) -> dict[str, Any]:
    """A version that is registered, agreed to and enabled."""
    status, shown = client.ask("POST", "/api/v2/plugins", sent())
    assert status == 201, shown
    client.ask("PUT", f"{VERSION}/grant", {"permissions": [READ], "identity": shown["identity"]})
    status, shown = client.ask("PATCH", VERSION, {"state": "enabled"})
    assert (status, shown["state"], shown["granted"]) == (200, "enabled", [READ])
    return shown


def test_from_a_bundle_to_what_a_page_loads(client: Client) -> None:
    shown = published(client)
    session = client.session()
    assert session["grants"] == [READ]
    status, about = client.ask("GET", f"/api/v2/plugins/{NAME}/versions/latest", token=session["token"])
    assert (status, about["version"], about["grants"]) == (200, "2.1.0", [READ])
    status, bundle = client.ask("GET", f"{VERSION}/bundle", token=session["token"])
    assert (status, hashlib.sha256(bundle).hexdigest()) == (200, shown["bundleSha256"])
    assert bundle == base64.b64decode(sent()["bundle"])


def test_a_block_reaches_a_session_that_waits(client: Client) -> None:
    published(client)
    token = client.session()["token"]
    _, first = client.ask("GET", "/api/v2/plugins/changes?since=0", token=token)
    assert first == {"revision": 1, "blocked": []}
    client.ask("PATCH", VERSION, {"state": "blocked"})
    _, told = client.ask("GET", "/api/v2/plugins/changes?since=1", token=token)
    assert told == {"revision": 2, "blocked": [f"{NAME}@2.1.0"]}
    status, refused = client.ask("GET", VERSION, token=token)
    assert (status, refused["error"]["code"]) == (403, "PLUGIN_BLOCKED")


def test_each_address_wants_its_scope_and_a_session_administers_nothing(client: Client) -> None:
    published(client)
    wanted = [
        (MANAGE, "GET", "/api/v2/plugins"), (MANAGE, "POST", "/api/v2/plugins"), (MANAGE, "PATCH", VERSION),
        (MANAGE, "DELETE", VERSION), (MANAGE, "PUT", f"{VERSION}/grant"), (MANAGE, "GET", "/api/v2/publishers"),
        (MANAGE, "POST", "/api/v2/publishers"), (MANAGE, "DELETE", "/api/v2/publishers/vendor"),
        (EDIT, "GET", ROUTES), (EDIT, "POST", ROUTES), (EDIT, "PUT", f"{ROUTES}/x"), (EDIT, "DELETE", f"{ROUTES}/x"),
        (AUDIT, "GET", "/api/v2/audit")]  # fmt: skip
    session = client.session()["token"]
    for scope, method, path in wanted:
        others = {MANAGE, EDIT, READ, AUDIT} - {scope}
        status, answer = client.ask(method, path, {}, token=client.server.token(*others))
        assert (status, answer["error"]["code"]) == (403, "PERMISSION_DENIED"), path
        assert scope in answer["error"]["message"]
        status, answer = client.ask(method, path, {}, token=session)
        assert (status, answer["error"]["code"]) == (401, "SESSION_INVALID"), path


def test_bad_input_names_its_place_and_stores_nothing(client: Client) -> None:
    status, refused = client.ask("POST", "/api/v2/plugins", sent(bundle="?"))
    assert (status, refused["error"]["details"][0]["path"]) == (400, "$.bundle")
    assert client.ask("GET", "/api/v2/plugins")[1] == {"plugins": []}
    published(client)
    for method, path, body, place in (
        ("PATCH", VERSION, {"state": "gone"}, "$.state"), ("PATCH", VERSION, {}, "$.state"),
        ("PUT", f"{VERSION}/grant", {"permissions": "all", "identity": "0"}, "$.permissions"),
        ("PUT", f"{VERSION}/grant", {"permissions": []}, "$.identity"),
        ("POST", ROUTES, {**GUIDE, "routePattern": "/proxy/*/evil"}, "$.routePattern"),
        ("GET", "/api/v2/audit?limit=x", None, "limit"),
    ):
        status, refused = client.ask(method, path, body)
        assert (status, refused["error"]["details"][0]["path"]) == (400, place), refused
    assert client.ask("GET", ROUTES)[1] == {"routes": []}


def test_the_guides_route_is_taken_verbatim_and_every_change_is_in_the_audit(client: Client) -> None:
    status, route = client.ask("POST", ROUTES, GUIDE)
    assert (status, route) == (201, {**GUIDE, "state": "upstreamMissing"})
    assert client.ask("GET", f"{ROUTES}/{GUIDE['name']}")[1] == route
    assert client.ask("DELETE", f"{ROUTES}/{GUIDE['name']}") == (204, b"")
    assert client.ask("GET", f"{ROUTES}/{GUIDE['name']}")[0] == 404
    entries = client.ask("GET", f"/api/v2/audit?target={GUIDE['name']}")[1]["entries"]
    assert [one["action"] for one in entries] == ["route.remove", "route.add"]
    assert {one["actor"] for one in entries} == {"developer"}


def test_what_is_stored_outlives_the_server(tmp_path: Path) -> None:
    settings = Settings(port=0, sandbox_port=0, data_dir=tmp_path / "data", dist=write_dist(tmp_path / "dist"))
    with GatewayServer(settings) as server:
        shown = published(Client(server))
    with GatewayServer(settings) as server:
        assert Client(server).ask("GET", VERSION)[1] == shown
