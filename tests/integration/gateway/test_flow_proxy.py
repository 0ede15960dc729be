"""A plugin of a server's flow calls an API along the gateway's routes: what it gets, and what it never sees."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pysandbox.gateway.auth.principal import READ_TELEMETRY
from pysandbox.gateway.proxy.policy import PERMISSION
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.vault.keys import VARIABLE, new_key
from tests.integration.gateway.administered import SCOPES, Administered
from tests.integration.gateway.proxies import route_body
from tests.integration.gateway.serving import serving
from tests.unit.gateway.fake_plugin import MANIFEST
from tests.unit.gateway.registered import NAME

PLUGIN = f"{NAME}@2.1.0"
KEY = "upstream-key-Zq81"
PATH = "/proxy/vendor/risk/evaluate"
SOURCE = '''
from pysandbox.plugin import SandboxError, handler


@handler
async def evaluate(payload, ctx):
    try:
        answer = await getattr(ctx.proxy, payload["verb"])(payload["path"], **payload["options"])
    except SandboxError as error:
        return {"code": error.code.value}
    return {"status": answer.status, "body": answer.json(), "headers": sorted(answer.headers)}
'''
FLOW = {"name": "asks", "blocks": [
    {"id": "ask", "type": "invokePlugin", "pluginId": NAME, "timeout": 20_000, "onSuccess": "end", "onTimeout": "end",
     "onError": "end", "payload": "{{interaction.request}}"},
    {"id": "end", "type": "routeToQueue", "queueId": "q"}], "slaMs": 60_000}  # fmt: skip


@dataclass
class Vendor:
    """Answers with a card's number; ``/v2/slow`` only once its caller has gone."""

    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    gone: threading.Event = field(default_factory=threading.Event)
    sent: int = 0

    async def answer(self, request: Request) -> Response:
        self.seen.append((request.headers.get("x-api-key", ""), (await request.body()).decode()))
        if request.url.path.endswith("/slow"):
            while (await request.receive())["type"] != "http.disconnect":
                pass  # an empty rest of the body
            self.gone.set()
        if request.url.path.endswith("/endless"):
            return StreamingResponse(self.endless(), media_type="application/json")
        return JSONResponse({"score": 7, "creditCard": "4111"}, headers={"X-Internal": "1"})


    async def endless(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.sent += 65_536
                yield b" " * 65_536
                await asyncio.sleep(0)  # that its reader has gone is heard
        finally:
            self.gone.set()


@dataclass
class Flows:
    """A gateway, the vendor's API behind it, and a flow whose plugin asks what it is told to."""

    gateway: Administered
    vendor: Vendor
    upstream: str
    folder: Path

    def ask(self, verb: str = "post", path: str = PATH, **options: Any) -> dict[str, Any]:
        """What the plugin was answered."""
        self.vendor.seen.clear()
        request = {"verb": verb, "path": path, "options": options}
        (self.folder / "input.json").write_text(json.dumps({"interaction": {"request": request}}))
        started = self.gateway.done("flow", "start", "asks", "--input", str(self.folder / "input.json"), "--wait")
        run = started.split()[0]
        journal = [json.loads(line) for line in self.gateway.done("flow", "show", run, "--journal").splitlines()]
        outcome = next(event["outcome"] for event in journal if event["event"] == "blockEnded")
        return outcome.get("value") or outcome

    def route(self, **changed: Any) -> None:
        self.gateway.done("route", "add", "-", "--replace", text=json.dumps({**self.body, **changed}))

    @property
    def body(self) -> dict[str, Any]:
        return {
            **route_body(self.upstream), "authMethod": "api_key", "credentials": {"secretRef": "embedded://vendor/risk"},
            "responseTransform": {"maskFields": ["credit_card"]}, "methods": ["GET", "POST"], "timeoutMs": 10_000}


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flows]:
    folder, vendor = tmp_path_factory.mktemp("flows"), Vendor()
    plugin = folder / "plugin"
    plugin.mkdir()
    isolation = {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 15_000, "limits": {
        "bufferBytes": 1_000_000}}
    (plugin / "manifest.json").write_text(json.dumps({
        **MANIFEST, "manifest": {**MANIFEST["manifest"], "isolation": isolation}}))  # type: ignore[dict-item]
    (plugin / "plugin.py").write_text(SOURCE)
    settings = Settings(
        port=0, sandbox_port=0, data_dir=folder / "data", access_log=False,
        gateway_origin="https://api.gateway.internal", queues=("q",))
    app = Starlette(routes=[Route("/{path:path}", vendor.answer, methods=["GET", "POST"])])
    with pytest.MonkeyPatch.context() as patch, serving(app) as upstream, GatewayServer(settings) as server:
        patch.setenv(VARIABLE, new_key())
        gateway = Administered(server, (*SCOPES, "architect:flow:write", "architect:flow:run"))
        made = Flows(gateway, vendor, upstream, folder)
        secret = json.dumps({"apiKey": KEY})
        gateway.done("vault", "put", "vendor/risk", "--host", upstream.removeprefix("http://"), text=secret)
        gateway.done("plugin", "add", str(plugin))
        gateway.done("plugin", "grant", PLUGIN, "--all", text="y\n")
        gateway.done("plugin", "enable", PLUGIN)
        gateway.done("route", "add", "-", text=json.dumps(made.body))
        gateway.done("flow", "deploy", "-", text=json.dumps(FLOW))
        yield made


@pytest.fixture(autouse=True)
def as_before(flows: Flows) -> Iterator[None]:
    yield
    flows.route()


def test_the_answer_is_masked_and_the_key_is_between_gateway_and_upstream(flows: Flows) -> None:
    answered = flows.ask(json={"customerId": "c-1"})
    assert (answered["status"], answered["body"]) == (200, {"score": 7, "creditCard": "***"})
    assert flows.vendor.seen == [(KEY, '{"customerId":"c-1"}')]
    assert KEY not in json.dumps(answered)
    assert set(answered["headers"]) <= {"content-type", "date", "ratelimit", "ratelimit-policy"}


@pytest.mark.parametrize(("path", "code"), [
    ("/proxy/elsewhere/x", "ROUTE_NOT_FOUND"), ("/proxy/vendor/risk/%2e%2e/admin", "INPUT_INVALID"),
    ("/api/v2/audit", "INPUT_INVALID"),
])
def test_only_along_routes(flows: Flows, path: str, code: str) -> None:
    assert flows.ask("get", path) == {"code": code}
    assert flows.vendor.seen == []


@pytest.mark.parametrize(("changed", "code"), [
    ({"plugins": ["com.vendor.other"]}, "PERMISSION_DENIED"), ({"methods": ["GET"]}, "METHOD_NOT_ALLOWED"),
    ({"enabled": False}, "ROUTE_NOT_FOUND"), ({"requestBytes": 8}, "MESSAGE_LIMIT"),
])
def test_what_a_route_does_not_open_stays_closed(flows: Flows, changed: dict[str, Any], code: str) -> None:
    flows.route(**changed)
    assert flows.ask(json={"customerId": "c-1"}) == {"code": code}
    assert flows.vendor.seen == []
    flows.route()
    assert flows.ask(json={"customerId": "c-1"})["status"] == 200, "nothing else stood in its way"


def test_a_routes_rate_counts_for_it_too(flows: Flows) -> None:
    flows.route(rateLimit={"requestsPerMinute": 1, "burstSize": 1})
    assert [flows.ask("get").get("code", "ok") for _ in range(2)] == ["ok", "RATE_LIMIT"]
    flows.route()
    assert flows.ask("get")["status"] == 200, "a limit that was changed holds at once"


def test_one_that_gives_up_takes_its_request_along(flows: Flows) -> None:
    flows.vendor.gone.clear()
    assert flows.ask("get", "/proxy/vendor/risk/slow", timeout_ms=2000) == {"code": "UPSTREAM_TIMEOUT"}
    assert flows.vendor.gone.wait(20)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(flows: Flows) -> None:
    flows.vendor.gone.clear()
    flows.route(responseTransform={}, responseBytes=16_000_000)
    assert flows.ask("get", "/proxy/vendor/risk/endless") == {"code": "MESSAGE_LIMIT"}
    assert flows.vendor.gone.wait(20)
    assert flows.vendor.sent < 12_000_000, "what sockets hold, and not all that the route would let through"
    assert flows.ask("get", "/proxy/vendor/risk/score")["status"] == 200


def test_a_grant_that_is_taken_back_holds_though_its_process_lives(flows: Flows) -> None:
    assert flows.ask("get")["status"] == 200
    flows.gateway.done("plugin", "grant", PLUGIN, "webchat:session:read", text="y\n")
    try:
        assert flows.ask("get") == {"code": "PERMISSION_DENIED"}
        assert flows.vendor.seen == []
    finally:
        flows.gateway.done("plugin", "grant", PLUGIN, "--all", text="y\n")
    assert flows.ask("get")["status"] == 200
    assert PERMISSION in json.dumps(MANIFEST)


def resting(flows: Flows, tenant: str = "development") -> list[tuple[str, str, str]]:
    """What the gateway says is not asked freely: kind, name and state."""
    server = flows.gateway.server
    request = urllib.request.Request(
        f"{server.api_origin}/api/v2/breakers",
        headers={"Authorization": f"Bearer {server.token(READ_TELEMETRY, tenant=tenant)}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        told = json.load(answer)["breakers"]
    assert all(0 < one["retryInMs"] <= 60_000 for one in told)
    return [(one["kind"], one["name"], one["state"]) for one in told]


def test_what_rests_is_told_to_its_tenant(flows: Flows) -> None:
    flows.route(circuitBreaker={"failures": 1, "baseMs": 60_000, "maxMs": 60_000}, timeoutMs=200)
    assert resting(flows) == []
    assert flows.ask("get", "/proxy/vendor/risk/slow") == {"code": "UPSTREAM_TIMEOUT"}
    route = ("route", flows.body["name"], "open")
    assert resting(flows) == [route]
    for _ in range(5):
        assert flows.ask("no_such_verb")["errorCode"] == "PLUGIN_ERROR"
    assert resting(flows) == [route, ("plugin", PLUGIN, "open")]
    assert resting(flows, "another") == []
