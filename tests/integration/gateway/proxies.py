"""The proxy's endpoint at a real port, and a host worker's side of it: requests with nonces that are good, or not."""

import asyncio
import itertools
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import aiohttp

from pysandbox.core import proxy_nonce
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import GatewaySession
from pysandbox.gateway.proxy.compose import make_proxy
from pysandbox.gateway.proxy.policy import PERMISSION
from pysandbox.gateway.proxy.route import Route, parse_route
from pysandbox.gateway.proxy.shared import SharedState
from pysandbox.gateway.vault.secret import Secret, SecretRef
from tests.integration.gateway.exchanges import DictVault
from tests.integration.gateway.serving import serving
from tests.integration.gateway.upstreams import json_answer, upstream

PLUGIN = "com.vendor.risk-scoring@2.1.0"
TOKEN = "session-token-of-acme"
PATH = "/proxy/vendor/risk/evaluate"
REF = SecretRef.parse("embedded://vendor/risk")
RISK = {"score": 7, "customer": {"ssn": "078-05-1120", "creditCard": "4111", "name": "Ada"}}
SESSION = GatewaySession(
    "5e551011" * 4, "acme", "user-1", frozenset({PERMISSION}), "ab" * 32, 4_000_000_000_000)


def route_body(upstream_url: str, **changed: object) -> dict[str, object]:
    """A route of the risk vendor's, without credentials; `changed` replaces keys."""
    return {
        "name": "Risk", "routePattern": "/proxy/vendor/risk/*", "authMethod": "none",
        "upstream": {"baseUrl": f"{upstream_url}/v2", "allowAddresses": ["127.0.0.1"]},
        "methods": ["GET", "POST", "PUT", "PATCH", "DELETE"], "plugins": ["com.vendor.risk-scoring"],
        "rateLimit": {"requestsPerMinute": 6000, "burstSize": 500}, **changed}


@dataclass
class Backing:
    """What the endpoint asks of the rest of the gateway, kept in memory and changed by tests as they run."""

    bodies: list[dict[str, object]]
    sessions: dict[str, GatewaySession] = field(default_factory=lambda: {TOKEN: SESSION})
    blocked: set[str] = field(default_factory=set)
    vault: DictVault = field(default_factory=DictVault)

    async def find(self, token: str) -> GatewaySession:
        if token not in self.sessions:
            raise SandboxError(Code.SESSION_INVALID, "no session has this token")
        return self.sessions[token]

    async def require_enabled(self, tenant: str, plugin: str) -> None:
        if plugin in self.blocked:
            raise SandboxError(Code.PLUGIN_BLOCKED, f"{plugin} is blocked for {tenant}")

    async def routes(self, tenant: str) -> list[Route]:
        return [parse_route(body, allowlist=["/proxy/*"]) for body in self.bodies] if tenant == "acme" else []


@contextmanager
def gateway(backing: Backing, *, redis_url: str | None = None, **settings) -> Iterator[str]:
    """The origin of an endpoint of its own, in a thread of its own."""
    shared = None if redis_url is None else SharedState(redis_url, time.monotonic)
    proxy = make_proxy(
        sessions=backing, plugins=backing, routes=backing, vault=backing.vault, shared=shared, **settings)

    async def close() -> None:
        await proxy.close()
        if shared is not None:
            await shared.close()

    with serving(proxy.endpoint, close) as origin:
        yield origin


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        return self.headers["Pysandbox-Outcome"]

    @property
    def code(self) -> str:
        return json.loads(self.body)["error"]["code"]


@dataclass
class Host:
    """The host worker's side: counts, signs, sends."""

    origin: str
    session: GatewaySession = SESSION
    token: str = TOKEN
    counter: Iterator[int] = field(default_factory=itertools.count)

    def headers(
        self, method: str, path: str, query: str, body: bytes, own: Mapping[str, str] | None = None,
        plugin: str = PLUGIN, content_type: str = "application/json", life_ms: int = 20_000,
    ) -> dict[str, str]:
        """What the host worker sends with one request, its nonce included."""
        carried = urlsafe_b64encode(json.dumps(own).encode()).decode().rstrip("=") if own else ""
        kind = content_type if body else ""
        bound = proxy_nonce.Bound(
            self.session.session_id, plugin, method, path, query, content_type=kind, headers=carried, body=body)
        nonce = proxy_nonce.make(
            self.session.nonce_seed, bound, counter=next(self.counter),
            expires_at_ms=time.time_ns() // 1_000_000 + life_ms)
        sent = {"Authorization": f"Bearer {self.token}", "Pysandbox-Plugin": plugin, "Pysandbox-Nonce": nonce}
        return {**sent, **({"Content-Type": kind} if kind else {}), **({"Pysandbox-Headers": carried} if own else {})}

    async def send(
        self, client: aiohttp.ClientSession, method: str = "POST", path: str = PATH, *, query: str = "",
        body: bytes | None = None, headers: Mapping[str, str] | None = None, **signed,
    ) -> Answer:
        """One request. `headers` replace what would be sent; a value of "" leaves it out."""
        content = (b'{"tier":"gold"}' if method in {"POST", "PUT", "PATCH"} else b"") if body is None else body
        sent = {**self.headers(method, path, query, content, **signed), **(headers or {})}
        url = aiohttp.client.URL(self.origin + path + (f"?{query}" if query else ""), encoded=True)
        async with client.request(
            method, url, data=content or None, headers={name: value for name, value in sent.items() if value},
            skip_auto_headers=("Content-Type",)) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def ask(self, method: str = "POST", path: str = PATH, **more) -> Answer:
        """`send`, from a test that has no loop."""
        async def once() -> Answer:
            async with aiohttp.ClientSession() as client:
                return await self.send(client, method, path, **more)

        return asyncio.run(once())

    def as_another(self, **changed: object) -> "Host":
        return replace(self, **changed)


def secret(server_authority: str, **values: str) -> Secret:
    return Secret(values, (server_authority,), ("acme",))


def run(scenario, handler=None, *, settings: dict[str, object] | None = None, **changed) -> None:
    """``scenario(host, backing, server, client)`` with a gateway whose one route leads to ``handler``."""
    async def started() -> None:
        async with upstream(handler or json_answer(RISK)) as server:
            backing = Backing([route_body(server.url, **changed)])
            with gateway(backing, **(settings or {})) as origin:
                async with aiohttp.ClientSession() as client:
                    await scenario(Host(origin), backing, server, client)

    asyncio.run(started())
