"""`pysandbox vault` against a vault's routes at a real port."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import errors
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, Principal
from pysandbox.gateway.vault.api import VaultApi
from pysandbox.gateway.vault.embedded import EmbeddedVault
from pysandbox.gateway.vault.keys import VARIABLE, new_key, vault_key
from tests.integration.gateway.serving import serving


class OneToken:
    async def principal(self, request: Request) -> Principal:
        if request.headers["authorization"] != "Bearer platform-token":
            raise SandboxError(Code.SESSION_INVALID, "the token is not known")
        return Principal("operator", "acme", frozenset({EDIT_INTEGRATIONS}), 0)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    file, key = tmp_path / "vault.bin", new_key()

    async def record(*_: object) -> None:
        pass

    api = VaultApi(
        EmbeddedVault(file, lambda: vault_key(file, {VARIABLE: key})), OneToken(), record, lambda _ref: None)
    with serving(Starlette(routes=api.routes(), exception_handlers=errors.handlers(errors.envelope))) as origin:
        yield origin


def vault(*args: str, origin: str, text: str | None = None, token: str = "platform-token"):
    command = ["vault", *args, "--url", origin]
    return CliRunner().invoke(app, command, input=text, env={"PYSANDBOX_TOKEN": token, "COLUMNS": "200"})


def test_a_secret_is_put_listed_and_deleted(gateway: str, tmp_path: Path) -> None:
    document = json.dumps({"clientId": "id", "clientSecret": "s3cr3t"})
    put = vault("put", "vendor/risk", "--host", "api.vendor.example", "--json", origin=gateway, text=document)
    assert put.exit_code == 0, put.output
    shown = {
        "secretRef": "embedded://vendor/risk", "hosts": ["api.vendor.example"], "values": ["clientId", "clientSecret"]}
    assert json.loads(put.stdout) == shown
    (tmp_path / "secret.json").write_text(json.dumps({"token": "s3cr3t", "hosts": ["other.example:8443"]}))
    assert vault("put", "other", "--file", str(tmp_path / "secret.json"), origin=gateway).exit_code == 0
    listed = vault("list", origin=gateway)
    assert listed.stdout.splitlines() == [
        "embedded://other  token → other.example:8443",
        "embedded://vendor/risk  clientId, clientSecret → api.vendor.example"]
    assert vault("delete", "other", origin=gateway).exit_code == 0
    assert json.loads(vault("list", "--json", origin=gateway).stdout) == {"secrets": [shown]}
    assert "s3cr3t" not in listed.output + put.output


def test_a_refusal_is_shown_with_every_problem_and_no_value(gateway: str) -> None:
    refused = vault("put", "vendor/risk", origin=gateway, text='{"token": {"a": "hunter2"}}')
    assert refused.exit_code == 1
    assert "$.hosts" in refused.output
    assert "$.token" in refused.output
    assert "hunter2" not in refused.output


def test_what_is_no_secret_is_wrong_use_and_not_shown(gateway: str) -> None:
    refused = vault("put", "vendor/risk", origin=gateway, text="hunter2")
    assert refused.exit_code == 2
    assert "hunter2" not in refused.output


def test_a_token_that_is_not_known_or_not_given_is_told(gateway: str) -> None:
    assert "SESSION_INVALID" in vault("list", origin=gateway, token="other").output
    assert vault("list", origin=gateway, token="").exit_code == 2


def test_a_gateway_that_is_not_there_is_told() -> None:
    gone = vault("list", origin="http://127.0.0.1:1")
    assert gone.exit_code == 1
    assert "is `pysandbox serve` running there?" in gone.output


def test_a_key_opens_a_vault(tmp_path: Path) -> None:
    key = CliRunner().invoke(app, ["vault", "key"]).stdout.strip()
    assert vault_key(tmp_path / "vault.bin", {VARIABLE: key}).encrypt(b"x")
