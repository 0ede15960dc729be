"""A whole deployment on loopback: a vendor's API, the gateway as an operator sets it up, and a page that embeds it."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import uvicorn
from cryptography.fernet import Fernet
from starlette.types import ASGIApp

from examples.upstream.risk_api import RiskApi
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, MANAGE_PLUGINS, OPEN_SESSIONS
from pysandbox.gateway.folder import build_folder
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.vault.keys import VARIABLE

NAMED = "https://api.gateway.internal"
"""What the manifests of the examples call their gateway."""
ROUTE: Mapping[str, Any] = {
    "name": "VendorRiskScoringProxy",
    "routePattern": "/proxy/vendor/risk/*",
    "authMethod": "oauth2_client_credentials",
    "credentials": {"secretRef": "embedded://vendor/risk", "tokenRefreshIntervalSeconds": 300},
    "rateLimit": {"requestsPerMinute": 6000, "burstSize": 100},
    "timeoutMs": 2500,
    "responseTransform": {"maskFields": ["socialSecurityNumber", "cardNumber"]},
    "methods": ["GET", "POST"],
    "plugins": ["com.vendor.risk-scoring", "test.caller"],
}
START_S = 20.0


class Upstream:
    """An API on a port of its own, from construction until `close`."""

    def __init__(self, app: ASGIApp) -> None:
        self._server = uvicorn.Server(uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + START_S
        while not self._server.started:
            assert time.monotonic() < end, "the API did not start"
            time.sleep(0.01)
        self.authority = f"127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_S)


class Deployment:
    """``api``: the vendor's API, whose ``mood`` a test changes. ``token``: a user's, as the page has it.

    ``settings``: further ones of the gateway.
    """

    def __init__(self, folder: Path, plugins: list[Path], *, dist: Path, pages: Path, **settings: Any) -> None:
        self.api = RiskApi("risk-client-0451", "K7-vendor-client-secret-qLr9TzX2mWcV")
        self.upstream = Upstream(self.api.app)
        self.server = GatewayServer(Settings(**{
            "port": 0, "sandbox_port": 0, "data_dir": folder, "dist": dist, "gateway_origin": NAMED,
            "access_log": False, **settings}), pages=pages)
        self.sandbox_origin, self.api_origin = self.server.sandbox_origin, self.server.api_origin
        self._admin = self.server.token(MANAGE_PLUGINS, EDIT_INTEGRATIONS, subject="admin")
        self.token = self.server.token(OPEN_SESSIONS, subject="agent-7")
        self.keep_secret()
        for plugin in plugins:
            self.register(plugin)
        self.ask("POST", "/api/v2/integrations/proxy/routes", {**ROUTE, "upstream": self.leads_to("/v1")})

    def leads_to(self, path: str) -> dict[str, object]:
        """The upstream of a route: the vendor's API, which is on loopback."""
        return {"baseUrl": f"http://{self.upstream.authority}{path}", "allowAddresses": ["127.0.0.1/32"]}

    def keep_secret(self) -> None:
        """Put what the vendor knows us by into the vault."""
        self.ask("PUT", f"/api/v2/vault/secrets/{quote('vendor/risk')}", {
            "clientId": self.api.client_id, "clientSecret": self.api.client_secret,
            "tokenUrl": f"http://{self.upstream.authority}/oauth/token", "hosts": [self.upstream.authority]})

    def register(self, folder: Path) -> None:
        """Send a plugin in, consent to all that it asks for, and enable it."""
        built = build_folder(folder)
        manifest = built.manifest
        sent = self.ask("POST", "/api/v2/plugins", {
            "manifest": manifest.raw, "bundle": base64.b64encode(built.bundle).decode()})
        at = f"/api/v2/plugins/{manifest.plugin_id}/versions/{manifest.version}"
        self.ask("PUT", f"{at}/grant", {"permissions": list(manifest.permissions), "identity": sent["identity"]})
        self.ask("PATCH", at, {"state": "enabled"})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """An administrator's request; the answer's JSON. Raises AssertionError with the gateway's words."""
        request = urllib.request.Request(
            self.api_origin + self.server.settings.path_prefix + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._admin}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def asked(self, path: str = "/v1/evaluate") -> list[tuple[str, str, dict[str, str], bytes]]:
        """What reached the vendor's API at ``path``."""
        return [request for request in self.api.requests if request[1].partition("?")[0] == path]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.server.close()
        self.upstream.close()


def vault_key() -> tuple[str, str]:
    """The variable of the embedded vault's key, and a fresh key."""
    return VARIABLE, Fernet.generate_key().decode()
