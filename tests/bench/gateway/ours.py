"""The gateway's proxy with every policy on: `python -m tests.bench.gateway.ours PORT UPSTREAM_PORT`.

Session, plugin, three rates, nonce, inspection, OAuth2 token, breaker, masking at any depth, fallback cache. The state
is in memory: that of one process, as the others have.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from pysandbox.core import proxy_nonce
from pysandbox.gateway.garbage import settle
from pysandbox.gateway.proxy.compose import make_proxy
from pysandbox.gateway.proxy.endpoint import Rates
from pysandbox.gateway.proxy.route import Route, parse_route
from pysandbox.gateway.running import bind, make_server
from tests.integration.gateway.proxies import PATH, PLUGIN, REF, SESSION, Backing, route_body, secret

PLENTY = 100_000_000


def body(size: int) -> bytes:
    """What load.lua sends."""
    return b'{"text":"' + b"x" * (size - 12) + b'"}'


def nonces(count: int, size: int, first: int) -> Iterator[str]:
    """As many as that of one session, counted from `first`, good for half a minute."""
    bound = proxy_nonce.Bound(
        SESSION.session_id, PLUGIN, "POST", PATH, content_type="application/json", body=body(size))
    expires_at_ms = time.time_ns() // 1_000_000 + 29_000
    for counter in range(first, first + count):
        yield proxy_nonce.make(SESSION.nonce_seed, bound, counter=counter, expires_at_ms=expires_at_ms)


class Kept(Backing):
    """Its routes are parsed once, as the registry's are."""

    def __init__(self, bodies: list[dict[str, object]]) -> None:
        super().__init__(bodies)
        self.parsed = [parse_route(one, allowlist=["/proxy/*"]) for one in bodies]

    async def routes(self, tenant: str) -> list[Route]:
        return self.parsed if tenant == "acme" else []


def main(port: int, upstream_port: int) -> None:
    upstream = f"http://127.0.0.1:{upstream_port}"
    rate = {"requestsPerMinute": 1_000_000, "burstSize": 100_000, "concurrency": 1000}
    backing = Kept([route_body(
        upstream, authMethod="oauth2_client_credentials", credentials={"secretRef": str(REF)}, rateLimit=rate,
        responseTransform={"maskFields": ["ssn", "credit_card", "account_number"]}, cache={"ttlSeconds": 60},
        inspection="observe")])
    backing.vault[REF] = secret(
        f"127.0.0.1:{upstream_port}", clientId="id", clientSecret="bench-secret", tokenUrl=f"{upstream}/token")
    proxy = make_proxy(
        sessions=backing, plugins=backing, routes=backing, vault=backing.vault,
        rates=Rates(PLENTY, PLENTY, PLENTY, PLENTY))
    settle()
    make_server(proxy.endpoint).run(sockets=bind("127.0.0.1", [port]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
