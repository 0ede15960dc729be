"""Two real servers on one PostgreSQL and one Redis, a vendor's API behind them, and a tenant with a plugin and a route.

One is in this process, the other is `pysandbox serve` in a process of its own, which a test may kill.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pysandbox.gateway.auth.principal import GatewaySession
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.integration.gateway.proxies import Host, route_body
from tests.integration.gateway.serving import serving
from tests.integration.services import Service, free_port
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.registered import NAME, sent

START_S: Final = 40.0
VERSION: Final = f"/api/v2/plugins/{NAME}/versions/2.1.0"
ROUTES: Final = "/api/v2/integrations/proxy/routes"
SCOPES: Final = (
    "application:plugin:manage", "integration:edit", "webchat:session:read", "telemetry:audit:read")


@dataclass
class Vendor:
    """An API that counts who asks; ``/v2/slow`` answers when `release` is set."""

    bodies: list[bytes] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    async def answer(self, request: Request) -> JSONResponse:
        self.bodies.append(await request.body())
        if request.url.path.endswith("/slow"):
            self.arrived.set()
            await asyncio.to_thread(self.release.wait, START_S)
        return JSONResponse({"score": 7})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])


@dataclass
class Replicas:
    """``near`` runs here, ``process`` elsewhere. Each tenant of a test is a new one."""

    near: GatewayServer
    environment: dict[str, str]
    vendor: Vendor
    vendor_origin: str
    far_port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    tenant: str = "acme"

    @property
    def origins(self) -> tuple[str, str]:
        return self.near.api_origin, f"http://127.0.0.1:{self.far_port}"

    def start_far(self) -> None:
        """Start the other one, where it does not run, and wait until it is ready."""
        if self.process is not None:
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from pysandbox.cli import main; main()", "serve"], env=self.environment,
                stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def kill_far(self) -> None:
        """As a crash would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(START_S)
            self.process = None

    def _is_ready(self) -> bool:
        try:
            return self.ask(1, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, replica: int, method: str, path: str, body: object = None, *, token: str = "") -> tuple[int, Any]:
        """Status and JSON of an administrator's request, or of a session's with ``token``."""
        connection = http.client.HTTPConnection(self.origins[replica].removeprefix("http://"), timeout=START_S)
        bearer = token or self.near.token(*SCOPES, tenant=self.tenant)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Authorization": f"Bearer {bearer}"})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content.startswith(b"{") else content
        finally:
            connection.close()

    def new_tenant(self, **route: object) -> None:
        """A tenant with the plugin, agreed to and enabled, and a route whose keys ``route`` replaces."""
        self.tenant = f"t-{secrets.token_hex(6)}"
        _, shown = self.ask(0, "POST", "/api/v2/plugins", sent())
        consent = {"permissions": shown["permissions"], "identity": shown["identity"]}
        assert self.ask(0, "PUT", f"{VERSION}/grant", consent)[0] == 200
        assert self.ask(0, "PATCH", VERSION, {"state": "enabled"})[0] == 200
        assert self.ask(0, "POST", ROUTES, {
            **route_body(self.vendor_origin), "timeoutMs": 30_000, "connectTimeoutMs": 30_000, **route})[0] == 201

    def hosts(self) -> list[Host]:
        """One session, opened at the first, as a host worker uses it at each of the two."""
        status, opened = self.ask(0, "POST", "/api/v2/sessions")
        assert status == 200, opened
        session = GatewaySession(
            opened["sessionId"], opened["tenant"], "developer", frozenset(opened["grants"]), opened["nonceSeed"],
            opened["expiresAt"])
        first = Host(self.origins[0], session, opened["token"])
        return [first, Host(self.origins[1], session, opened["token"], first.counter)]


@contextmanager
def two_replicas(postgres: Service, redis: Service, folder: Path) -> Iterator[Replicas]:
    """Both run when the block begins; neither when it ends."""
    vendor, far_port = Vendor(), free_port()
    dist, data = write_dist(folder / "dist"), folder / "data"
    near = Settings(
        port=0, sandbox_port=0, data_dir=data, dist=dist, database_url=postgres.url, redis_url=redis.url,
        session_per_minute=60_000, plugin_per_minute=60_000, access_log=False)
    environment = {
        **os.environ, "PYSANDBOX_PORT": str(far_port), "PYSANDBOX_SANDBOX_PORT": "0",
        "PYSANDBOX_DATA_DIR": str(data), "PYSANDBOX_DIST": str(dist), "PYSANDBOX_DATABASE_URL": postgres.url,
        "PYSANDBOX_REDIS_URL": redis.url, "PYSANDBOX_SESSION_PER_MINUTE": "60000",
        "PYSANDBOX_PLUGIN_PER_MINUTE": "60000", "PYSANDBOX_ACCESS_LOG": "false"}
    with serving(vendor.app()) as vendor_origin, GatewayServer(near) as server:
        server.token()  # makes the development key that both take
        replicas = Replicas(server, environment, vendor, vendor_origin, far_port, folder / "far.log")
        try:
            replicas.start_far()
            yield replicas
        finally:
            vendor.release.set()
            replicas.kill_far()
