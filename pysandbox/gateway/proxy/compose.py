"""The proxy put together: every part with this process's clocks and randomness, in memory or on a Redis."""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import dataclass

from pysandbox.gateway.auth.principal import SessionStore
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.credentials import CredentialReader
from pysandbox.gateway.proxy.endpoint import (
    Done,
    PluginGate,
    ProxyEndpoint,
    Rates,
    RouteSource,
    Told,
    tell_nobody,
    trace_nothing,
)
from pysandbox.gateway.proxy.exchange import Exchange
from pysandbox.gateway.proxy.fallback import Fallbacks
from pysandbox.gateway.proxy.guards import Guards
from pysandbox.gateway.proxy.incoming import BODY_S
from pysandbox.gateway.proxy.limits import Limits, Slots
from pysandbox.gateway.proxy.nonces import MemoryNonces, RedisNonces
from pysandbox.gateway.proxy.oauth import Tokens
from pysandbox.gateway.proxy.observing import Found, Observer, count_nowhere
from pysandbox.gateway.proxy.shared import SharedState
from pysandbox.gateway.vault.secret import Vault


@dataclass(frozen=True, slots=True)
class Proxy:
    """``endpoint`` answers everything under ``/proxy/``."""

    endpoint: ProxyEndpoint
    _clients: Clients

    async def close(self) -> None:
        """Close the connections to upstreams. Whoever made ``shared`` closes that."""
        await self._clients.close()


def make_proxy(
    *, sessions: SessionStore, plugins: PluginGate, routes: RouteSource, vault: Vault,
    shared: SharedState | None = None, rates: Rates | None = None, clients: Clients | None = None,
    done: Done = tell_nobody, traced: Told = trace_nothing, found: Found = count_nowhere,
    body_s: float = BODY_S,
) -> Proxy:
    """``vault`` should be cached: it is read for each request. ``shared``: what replicas share, if there are several.

    ``body_s``: how long a request's body may take to arrive.
    """
    clients = clients or Clients()
    tokens = Tokens(clock=time.monotonic, jitter=random.random)
    exchange = Exchange(
        clients=clients, credentials=CredentialReader(vault, tokens), guards=Guards(random.random), slots=Slots(),
        fallbacks=Fallbacks(time.monotonic), now_ms=lambda: time.monotonic() * 1000)
    nonces = MemoryNonces(epoch_ms) if shared is None else RedisNonces(shared, epoch_ms)
    return Proxy(ProxyEndpoint(
        sessions=sessions, plugins=plugins, routes=routes, limits=Limits(shared), nonces=nonces, exchange=exchange,
        rates=rates or Rates(), now_ms=epoch_ms, random_hex=secrets.token_hex,
        clock_ms=lambda: time.monotonic() * 1000, done=done, traced=traced, body_s=body_s,
        observer=Observer(found)), clients)


def epoch_ms() -> int:
    """Now, in milliseconds."""
    return time.time_ns() // 1_000_000
