"""Where connections to upstreams are made, and the one place where addresses are checked.

A name is looked up anew for each connection, and every address that comes back is judged before anything is dialled:
a name that pointed outside a moment ago may point inside now (DNS rebinding). An IP literal meets no resolver, so each
socket is judged once more as it is made.

Clients are kept apart by what their upstream allows and by the client certificate: a pooled connection must never
serve a route that could not have opened it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.addresses import Network, networks, refusal

_KEEPALIVE_S: Final = 15.0  # less than servers usually give: a connection that they close first costs a request
_DRAIN_S: Final = 120.0  # longer than any request may take
_AUTO: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # what aiohttp would add by itself
_MAX_CONNECTIONS: Final = 512
_MAX_PER_HOST: Final = 256

Certificate = tuple[str, str]
"""Certificate chain and private key, both PEM."""


class GuardedResolver(AbstractResolver):
    """``inner``'s answers, unless one of a name's addresses is refused: then none of them is used."""

    def __init__(self, inner: AbstractResolver, allow: Sequence[Network]) -> None:
        self._inner = inner
        self._allow = allow

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            require_allowed(result["host"], self._allow)
        return found

    async def close(self) -> None:
        await self._inner.close()


def require_allowed(address: str, allow: Sequence[Network]) -> None:
    """Raises `SandboxError` ``ADDRESS_NOT_ALLOWED``, without the address: it would map the network to a plugin."""
    why = refusal(address, allow)
    if why is not None:
        raise SandboxError(Code.ADDRESS_NOT_ALLOWED, f"the upstream's address is refused: {why}")


def guarded_connector(
    allow: Sequence[Network], *, resolver: AbstractResolver, tls: ssl.SSLContext | bool = True
) -> aiohttp.TCPConnector:
    """A connector that dials nothing outside of the table and ``allow``. Belongs to the running event loop."""

    def checked_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        family, kind, protocol, _name, address = info
        require_allowed(str(address[0]), allow)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=GuardedResolver(resolver, allow), socket_factory=checked_socket, use_dns_cache=False, ssl=tls,
        limit=_MAX_CONNECTIONS, limit_per_host=_MAX_PER_HOST, keepalive_timeout=_KEEPALIVE_S)


class Clients:
    """One HTTP client for each set of allowed networks and client certificate, made when first asked for.

    ``trust``: makes the TLS context that upstreams are checked by; None for the machine's own authorities.
    ``resolver``: makes what names are looked up by.
    """

    def __init__(
        self, *, resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._resolver = resolver
        self._trust = trust
        self._clients: dict[tuple[tuple[str, ...], bytes], aiohttp.ClientSession] = {}
        self._newest: dict[tuple[tuple[str, ...], str], bytes] = {}
        self._draining: set[asyncio.Task[None]] = set()

    def get(self, allow: tuple[str, ...] = (), certificate: Certificate | None = None, name: str = "") -> (
        aiohttp.ClientSession
    ):
        """The client for upstreams that open the networks ``allow``. ``name`` says whose certificate it is: a new one
        under the same name retires the client of the old one."""
        digest = b"" if certificate is None else hashlib.sha256("\0".join(certificate).encode()).digest()
        client = self._clients.get((allow, digest))
        if client is None:
            client = self._clients[allow, digest] = self._open(allow, certificate)
            before = self._newest.get((allow, name))
            self._newest[allow, name] = digest
            if before is not None and before != digest:
                self._retire(self._clients.pop((allow, before), None))
        return client

    async def close(self) -> None:
        """Close every connection."""
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _open(self, allow: tuple[str, ...], certificate: Certificate | None) -> aiohttp.ClientSession:
        tls = self._trust()
        if certificate is not None:
            _load(tls, certificate)
        return aiohttp.ClientSession(
            connector=guarded_connector(networks(allow), resolver=self._resolver(), tls=tls),
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False, raise_for_status=False,
            skip_auto_headers=_AUTO, max_line_size=16_384, max_field_size=16_384)

    def _retire(self, client: aiohttp.ClientSession | None) -> None:
        if client is None:
            return

        async def drain() -> None:
            try:
                await asyncio.sleep(_DRAIN_S)
            finally:
                await client.close()

        task = asyncio.get_running_loop().create_task(drain())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)


def _load(context: ssl.SSLContext, certificate: Certificate) -> None:
    """``ssl`` reads certificates from files alone: they live for this call, in a folder nobody else can open.

    Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE``, without a word of what the secret holds.
    """
    with tempfile.TemporaryDirectory(prefix="pysandbox-") as folder:
        path = Path(folder) / "client.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(certificate))
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError, ValueError):
            raise SandboxError(
                Code.CREDENTIALS_UNAVAILABLE,
                "the secret's certificate and privateKey are no matching PEM pair without a passphrase") from None
