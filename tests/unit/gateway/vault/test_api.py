"""The vault's routes: secrets go in, none comes out, and tenants do not meet."""

import asyncio
import json
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request

from pysandbox.gateway import errors
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, Principal
from pysandbox.gateway.vault.api import VaultApi
from pysandbox.gateway.vault.embedded import EmbeddedVault
from pysandbox.gateway.vault.keys import VARIABLE, new_key, vault_key
from pysandbox.gateway.vault.secret import SecretRef


class Tokens:
    """``Bearer TENANT`` with the scope, ``Bearer TENANT-`` without it."""

    async def principal(self, request: Request) -> Principal:
        tenant = request.headers["authorization"].removeprefix("Bearer ")
        scopes = frozenset() if tenant.endswith("-") else frozenset({EDIT_INTEGRATIONS})
        return Principal("someone", tenant.removesuffix("-"), scopes, 0)


class Api:
    def __init__(self, folder: Path) -> None:
        file, key = folder / "vault.bin", new_key()
        self.audit: list[tuple[str, str, str, dict[str, object]]] = []
        self.changed: list[str] = []
        self.vault = EmbeddedVault(file, lambda: vault_key(file, {VARIABLE: key}))

        async def record(principal: Principal, action: str, target: str, detail: dict[str, object]) -> None:
            self.audit.append((principal.tenant, action, target, detail))

        api = VaultApi(self.vault, Tokens(), record, lambda ref: self.changed.append(str(ref)))
        self.app = Starlette(routes=api.routes(), exception_handlers=errors.handlers(errors.envelope))

    def ask(self, method: str, name: str = "", body: object = None, tenant: str = "acme") -> tuple[int, dict]:
        async def call() -> tuple[int, dict]:
            sent: list[dict] = []
            scope = {
                "type": "http", "method": method, "path": f"/api/v2/vault/secrets{name}", "query_string": b"",
                "headers": [(b"authorization", f"Bearer {tenant}".encode())]}
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            messages = [{"type": "http.request", "body": data}]

            async def receive() -> dict:
                return messages.pop(0)

            async def send(message: dict) -> None:
                sent.append(message)

            await self.app(scope, receive, send)
            answer = b"".join(message.get("body", b"") for message in sent)
            return sent[0]["status"], json.loads(answer) if answer else {}

        return asyncio.run(call())


SECRET = {"clientId": "id", "clientSecret": "s3cr3t", "hosts": ["api.vendor.example"]}
SHOWN = {"secretRef": "embedded://vendor/risk", "hosts": ["api.vendor.example"], "values": ["clientId", "clientSecret"]}


def test_a_secret_goes_in_is_listed_without_its_values_and_goes(tmp_path: Path) -> None:
    api = Api(tmp_path)
    assert api.ask("PUT", "/vendor/risk", SECRET) == (200, SHOWN)
    assert api.ask("GET") == (200, {"secrets": [SHOWN]})
    kept = asyncio.run(api.vault.read(SecretRef.parse("embedded://vendor/risk")))
    assert (kept.values["clientSecret"], kept.tenants) == ("s3cr3t", ("acme",))
    assert api.ask("DELETE", "/vendor/risk")[0] == 204
    assert api.ask("DELETE", "/vendor/risk")[0] == 404
    assert api.ask("GET") == (200, {"secrets": []})
    assert api.changed == ["embedded://vendor/risk"] * 2
    assert [entry[:3] for entry in api.audit] == [
        ("acme", "vault.put", "embedded://vendor/risk"), ("acme", "vault.delete", "embedded://vendor/risk")]
    assert "s3cr3t" not in repr(api.audit)


def test_a_token_without_the_scope_does_nothing(tmp_path: Path) -> None:
    api = Api(tmp_path)
    for method, name in [("GET", ""), ("PUT", "/a"), ("DELETE", "/a")]:
        assert api.ask(method, name, SECRET, tenant="acme-")[0] == 403
    assert api.audit == []


def test_a_tenant_neither_sees_nor_takes_a_secret_of_another(tmp_path: Path) -> None:
    api = Api(tmp_path)
    api.ask("PUT", "/vendor/risk", SECRET)
    assert api.ask("GET", tenant="other") == (200, {"secrets": []})
    for method in ("PUT", "DELETE"):
        assert api.ask(method, "/vendor/risk", SECRET, tenant="other")[0] == 403
    assert api.ask("GET") == (200, {"secrets": [SHOWN]})


def test_what_is_no_secret_is_refused_without_being_quoted(tmp_path: Path) -> None:
    api = Api(tmp_path)
    for body in (b"hunter2", [1], {"token": "hunter2"}, {**SECRET, "tenants": ["other"]}, {"token": {"a": "hunter2"}}):
        status, answer = api.ask("PUT", "/vendor/risk", body)
        assert status == 400
        assert "hunter2" not in json.dumps(answer)
    assert api.ask("PUT", "/..", SECRET)[0] == 400
