"""The embedded vault over HTTP: secrets go in, and never come out.

Whoever may edit a tenant's integrations writes that tenant's secrets: the tenant is stamped from the token, and a name
that another tenant holds is not theirs to read, replace or delete.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, Authenticator, Principal
from pysandbox.gateway.reading import read_body
from pysandbox.gateway.vault.embedded import EmbeddedVault
from pysandbox.gateway.vault.secret import Secret, SecretRef

MAX_SECRET_BYTES: Final = 65_536
_NAME: Final = "/api/v2/vault/secrets/{name:path}"

Record = Callable[[Principal, str, str, dict[str, object]], Awaitable[None]]
"""Notes who did what: ``(principal, action, target, detail)``."""


@dataclass(frozen=True, slots=True)
class VaultApi:
    """``changed``: told the reference of each secret that was written or deleted, so that no cache keeps it."""

    vault: EmbeddedVault
    authenticator: Authenticator
    record: Record
    changed: Callable[[SecretRef], None]

    def routes(self) -> list[Route]:
        return [
            Route("/api/v2/vault/secrets", self.list, methods=["GET"]),
            Route(_NAME, self.put, methods=["PUT"]),
            Route(_NAME, self.delete, methods=["DELETE"])]

    async def list(self, request: Request) -> Response:
        """Names, hosts and the names of values; no value."""
        principal = await self._principal(request)
        kept = await self.vault.list()
        return _json({"secrets": [
            _described(name, secret) for name, secret in sorted(kept.items()) if principal.tenant in secret.tenants]})

    async def put(self, request: Request) -> Response:
        principal = await self._principal(request)
        ref = await self._own(request, principal)
        document = _document(await read_body(request, max_bytes=MAX_SECRET_BYTES))
        await self.vault.put(ref.path, {**document, "tenants": [principal.tenant]})
        self.changed(ref)
        secret = await self.vault.read(ref)
        await self.record(principal, "vault.put", str(ref), {"hosts": [*secret.hosts], "values": sorted(secret.values)})
        return _json(_described(ref.path, secret))

    async def delete(self, request: Request) -> Response:
        principal = await self._principal(request)
        ref = await self._own(request, principal)
        if ref.path not in await self.vault.list():
            raise SandboxError(Code.NOT_FOUND, "there is no secret of this name")
        await self.vault.delete(ref.path)
        self.changed(ref)
        await self.record(principal, "vault.delete", str(ref), {})
        return Response(status_code=204, headers=headers.api())

    async def _principal(self, request: Request) -> Principal:
        principal = await self.authenticator.principal(request)
        principal.require(EDIT_INTEGRATIONS)
        return principal

    async def _own(self, request: Request, principal: Principal) -> SecretRef:
        ref = SecretRef.parse(f"embedded://{request.path_params['name']}")
        held = (await self.vault.list()).get(ref.path)
        if held is not None and principal.tenant not in held.tenants:
            raise SandboxError(Code.PERMISSION_DENIED, "this name is taken; choose another")
        return ref


def _document(body: bytes) -> dict[str, object]:
    try:
        told = strict_json.loads(body.decode(), max_chars=MAX_SECRET_BYTES)
    except (UnicodeDecodeError, SandboxError):
        told = None  # what it held is not quoted: it may be the secret
    if not isinstance(told, dict):
        raise SandboxError(Code.INPUT_INVALID, "the body is one JSON object of names and strings")
    document = cast(dict[str, object], told)
    if "tenants" in document:
        raise SandboxError(Code.INPUT_INVALID, "the tenant is the token's", details=[
            Problem("$.tenants", "a secret written here serves the tenant of the token", "leave it out")])
    return document


def _described(name: str, secret: Secret) -> dict[str, object]:
    return {"secretRef": f"embedded://{name}", "hosts": [*secret.hosts], "values": sorted(secret.values)}


def _json(value: object) -> Response:
    return JSONResponse(value, headers=headers.api())
