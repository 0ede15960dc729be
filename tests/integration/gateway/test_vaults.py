"""The vaults of others over HTTP: a stand-in that answers as HashiCorp's KV v2 does, and moto's Secrets Manager."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from aiohttp import web
from moto.server import ThreadedMotoServer

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.aws import AwsVault
from pysandbox.gateway.vault.hashicorp import HashicorpVault
from pysandbox.gateway.vault.secret import SecretRef
from tests.integration.gateway.upstreams import Upstream, json_answer, upstream

DOCUMENT = {"clientId": "id", "clientSecret": "s3cr3t", "hosts": ["api.vendor.example"], "tenants": ["acme"]}


class KeyValue:
    """KV version 2 as its API documentation describes it: versions, soft deletes, tokens, namespaces."""

    def __init__(self) -> None:
        self.versions: list[dict[str, object]] = [DOCUMENT]
        self.deleted = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("X-Vault-Token") != "root-token":
            return web.json_response({"errors": ["permission denied"]}, status=403)
        if request.path != "/v1/prod/data/plugins/vendor-risk/credentials":
            return web.json_response({"errors": []}, status=404)
        metadata = {
            "created_time": "2026-11-22T10:00:00Z", "custom_metadata": None, "version": len(self.versions),
            "deletion_time": "2026-11-22T11:00:00Z" if self.deleted else "", "destroyed": False}
        data = {"data": None if self.deleted else self.versions[-1], "metadata": metadata}
        return web.json_response(
            {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 0, "data": data, "auth": None},
            status=404 if self.deleted else 200)


async def read(server: Upstream, token: str = "root-token", path: str = "plugins/vendor-risk/credentials"):
    return await HashicorpVault(server.url, token).read(SecretRef.parse(f"vault://prod/{path}"))


def test_a_secret_of_hashicorp_vault_is_read_and_read_anew_when_it_changes() -> None:
    async def scenario() -> None:
        store = KeyValue()
        async with upstream(store) as server:
            first = await read(server)
            assert (first.values["clientSecret"], first.hosts, first.tenants) == (
                "s3cr3t", ("api.vendor.example",), ("acme",))
            # What `vault kv put` writes: text alone.
            store.versions.append({"token": "t", "hosts": "a.example,b.example", "tenants": "acme"})
            assert (await read(server)).hosts == ("a.example", "b.example")

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["token", "path", "deleted", "redirect", "nonsense", "away"])
def test_a_vault_that_gives_nothing_is_told_without_address_or_token(fault: str) -> None:
    async def scenario() -> tuple[SandboxError, int]:
        store = KeyValue()
        store.deleted = fault == "deleted"
        async with upstream(json_answer({})) as elsewhere:

            async def answer(request: web.Request) -> web.StreamResponse:
                if fault == "redirect":
                    raise web.HTTPTemporaryRedirect(f"{elsewhere.url}{request.path}")
                return web.Response(text="<html>") if fault == "nonsense" else await store(request)

            async with upstream(answer) as server:
                if fault == "away":
                    server.port = 1
                with pytest.raises(SandboxError) as error:
                    await read(
                        server, "wrong-token" if fault == "token" else "root-token",
                        "other" if fault == "path" else "plugins/vendor-risk/credentials")
                return error.value, len(elsewhere.requests)

    error, followed = asyncio.run(scenario())
    assert error.code == Code.CREDENTIALS_UNAVAILABLE
    assert followed == 0  # the token went nowhere else
    assert "127.0.0.1" not in str(error)
    assert "token" not in str(error)


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_secret_of_aws_is_read_and_read_anew_when_it_changes(secrets_manager: str) -> None:
    import boto3

    client = boto3.client("secretsmanager", endpoint_url=secrets_manager)
    client.create_secret(Name="prod/risk", SecretString=json.dumps(DOCUMENT))
    client.create_secret(Name="prod/text", SecretString="hunter2")

    async def scenario() -> None:
        vault = AwsVault(endpoint_url=secrets_manager)
        ref = SecretRef.parse("aws-sm://prod/risk")
        assert (await vault.read(ref)).values["clientSecret"] == "s3cr3t"
        await asyncio.to_thread(
            client.put_secret_value, SecretId="prod/risk", SecretString=json.dumps({**DOCUMENT, "clientSecret": "new"}))
        assert (await vault.read(ref)).values["clientSecret"] == "new"
        for missing in ("aws-sm://prod/none", "aws-sm://prod/text"):
            with pytest.raises(SandboxError) as error:
                await vault.read(SecretRef.parse(missing))
            assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
            assert "hunter2" not in str(error.value)

    asyncio.run(scenario())
    client.close()
