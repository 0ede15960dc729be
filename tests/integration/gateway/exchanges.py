"""What the tests of exchanges share: a vault of a dictionary, a caller that notes what it is told, a plan to vary."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.credentials import Auth, CredentialReader, Destination
from pysandbox.gateway.proxy.exchange import Exchange, Plan
from pysandbox.gateway.proxy.fallback import Fallbacks, Scope
from pysandbox.gateway.proxy.forward import Outgoing
from pysandbox.gateway.proxy.guards import BreakerSettings, Guards
from pysandbox.gateway.proxy.limits import Slots
from pysandbox.gateway.proxy.oauth import Tokens
from pysandbox.gateway.vault.secret import Secret, SecretRef, unavailable
from tests.integration.gateway.upstreams import Upstream

SECRET = SecretRef.parse("vault://prod/risk")
JSON = ("Content-Type", "application/json")


class Clock:
    """Moved by hand; the breaker and the caches go by it. Timeouts go by the machine's."""

    now_s = 1000.0

    def ms(self) -> float:
        return self.now_s * 1000

    def s(self) -> float:
        return self.now_s


class DictVault(dict[SecretRef, Secret]):
    async def read(self, ref: SecretRef) -> Secret:
        if ref not in self:
            raise unavailable("there is none")
        return self[ref]


@dataclass
class Told:
    """A caller, and all it was told."""

    outcome: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    error: SandboxError | None = None

    @property
    def begun(self) -> bool:
        return self.status != 0

    @property
    def code(self) -> Code | None:
        return self.error and self.error.code

    async def whole(self, outcome, status, headers, body) -> None:
        await self.start(outcome, status, headers)
        await self.piece(body, last=True)

    async def start(self, outcome, status, headers) -> None:
        self.outcome, self.status, self.headers = outcome, status, {name.lower(): value for name, value in headers}

    async def piece(self, data, *, last) -> None:
        self.body += data
        self.ended = last


@dataclass
class World:
    """A gateway's insides, without its HTTP side."""

    vault: DictVault
    clock: Clock
    exchange: Exchange

    async def run(self, plan: Plan) -> Told:
        told = Told()
        try:
            await self.exchange.run(plan, told)
        except SandboxError as error:
            told.error = error
        return told


@asynccontextmanager
async def world(clients: Clients | None = None):
    clients, clock, vault = clients or Clients(), Clock(), DictVault()
    tokens = Tokens(clock=clock.s, jitter=lambda: 0.0)
    exchange = Exchange(
        clients=clients, credentials=CredentialReader(vault, tokens), guards=Guards(lambda: 0.0), slots=Slots(),
        fallbacks=Fallbacks(clock.s), now_ms=clock.ms)
    try:
        yield World(vault, clock, exchange)
    finally:
        await clients.close()


def secret(*servers: Upstream, **values: str) -> Secret:
    return Secret(values, tuple(server.authority for server in servers), ("acme",))


def plan(server: Upstream, *, path: str = "/risk", method: str = "GET", body: bytes = b"", headers=(JSON,), **changed):
    outgoing = Outgoing(
        method, f"{server.url}{path}", list(headers), body, connect_ms=2000, first_byte_ms=5000, response_bytes=10_000)
    made = Plan(
        scope=Scope("acme", "user-1", "com.vendor.risk@2.1.0", "Risk"), outgoing=outgoing,
        destination=Destination("127.0.0.1", server.port, "acme"), auth=Auth(), allow=("127.0.0.1",), timeout_ms=5000,
        shortened=False, concurrency=100,
        breaker=BreakerSettings(failures=3, base_ms=1000, max_ms=8000, probes=2, probe_ms=500), cache_ttl_s=None,
        identity=(method.encode(), path.encode(), body), version=b"", controls={})
    return replace(made, **changed)
