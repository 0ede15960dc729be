"""Mutual TLS to an upstream: alone, beside a bearer token, rotated without a restart, and never to a stranger."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trustme
from aiohttp import web

from pysandbox.core.errors import Code
from pysandbox.gateway.proxy.connector import Clients
from pysandbox.gateway.proxy.credentials import Auth
from pysandbox.gateway.vault.secret import Secret, SecretRef
from tests.integration.gateway.exchanges import SECRET, World, plan, secret, world
from tests.integration.gateway.upstreams import Upstream, upstream

CERTIFICATE = SecretRef.parse("vault://prod/certificate")


class Pki:
    """One authority for servers, one for clients."""

    def __init__(self) -> None:
        self.servers, self.clients = trustme.CA(), trustme.CA()

    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.servers.issue_cert("127.0.0.1").configure_cert(context)
        self.clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.servers.configure_trust(context)
        return context

    def values(self, name: str, *, key_of: str | None = None) -> dict[str, str]:
        issued = {one: self.clients.issue_cert(f"{one}.example") for one in {name, key_of or name}}
        return {
            "certificate": "".join(part.bytes().decode() for part in issued[name].cert_chain_pems),
            "privateKey": issued[key_of or name].private_key_pem.bytes().decode()}


async def who(request: web.Request) -> web.StreamResponse:
    shown = request.transport.get_extra_info("peercert")["subjectAltName"][0][1]
    return web.json_response({"client": shown, "authorization": request.headers.get("Authorization")})


@asynccontextmanager
async def secured(pki: Pki) -> AsyncIterator[tuple[World, Upstream]]:
    async with upstream(who, pki.server()) as server, world(Clients(trust=pki.trust)) as made:
        yield made, server


def over_tls(server: Upstream, auth: Auth):
    made = plan(server, auth=auth)
    return replace(made, outgoing=replace(made.outgoing, url=made.outgoing.url.replace("http:", "https:")))


def test_a_client_certificate_is_shown_and_replaced_without_a_restart() -> None:
    async def scenario() -> None:
        pki = Pki()
        async with secured(pki) as (made, server):
            asked = over_tls(server, Auth("mtls", SECRET))
            for name in ("first", "second"):
                made.vault[SECRET] = secret(server, **pki.values(name))
                assert f'"{name}.example"'.encode() in (await made.run(asked)).body

    asyncio.run(scenario())


def test_a_certificate_goes_beside_another_method() -> None:
    async def scenario() -> bytes:
        pki = Pki()
        async with secured(pki) as (made, server):
            made.vault[SECRET] = secret(server, token="t0k-value")
            made.vault[CERTIFICATE] = secret(server, **pki.values("client"))
            return (await made.run(over_tls(server, Auth("bearer", SECRET, certificate_ref=CERTIFICATE)))).body

    assert asyncio.run(scenario()) == b'{"client": "client.example", "authorization": "Bearer [redacted]"}'


def test_without_a_certificate_there_is_no_connection() -> None:
    async def scenario() -> Code | None:
        async with secured(Pki()) as (made, server):
            return (await made.run(over_tls(server, Auth()))).code

    assert asyncio.run(scenario()) == Code.UPSTREAM_FAILED


def test_a_server_whose_authority_is_unknown_is_sent_nothing() -> None:
    async def scenario() -> tuple[Code | None, str, int]:
        async with upstream(who, Pki().server()) as server, world(Clients(trust=Pki().trust)) as made:
            made.vault[SECRET] = secret(server, token="t0k-value")
            told = await made.run(over_tls(server, Auth("bearer", SECRET)))
            return told.code, told.error.message, len(server.requests)

    code, message, arrived = asyncio.run(scenario())
    assert (code, arrived) == (Code.UPSTREAM_FAILED, 0)
    assert "certificate" in message


@pytest.mark.parametrize("broken", ["nonsense", "mismatch", "empty"])
def test_a_pair_that_is_none_is_told_without_a_word_of_it(broken: str) -> None:
    async def scenario() -> tuple[Code | None, str]:
        pki = Pki()
        values = {
            "nonsense": {"certificate": "hunter2", "privateKey": "hunter2"},
            "mismatch": pki.values("one", key_of="other"), "empty": {"certificate": "x"}}[broken]
        async with secured(pki) as (made, server):
            made.vault[SECRET] = Secret(values, (server.authority,), ("acme",))
            told = await made.run(over_tls(server, Auth("mtls", SECRET)))
            return told.code, str(told.error)

    code, text = asyncio.run(scenario())
    assert code == Code.CREDENTIALS_UNAVAILABLE
    assert "hunter2" not in text
    assert "BEGIN" not in text
