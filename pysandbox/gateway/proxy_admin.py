"""Proxy routes over HTTP: the guide's own address and body, and what administration needs beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, Authenticator, Principal
from pysandbox.gateway.reading import read_object
from pysandbox.gateway.route_store import RouteStore

_PATH: Final = "/api/v2/integrations/proxy/routes"
_MAX_BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ProxyAdmin:
    """Needs ``integration:edit``."""

    tokens: Authenticator
    store: RouteStore

    def routes(self) -> list[Route]:
        return [
            Route(_PATH, self.all, methods=["GET", "POST"]),
            Route(f"{_PATH}/{{name}}", self.one, methods=["GET", "PUT", "DELETE"]),
        ]

    async def all(self, request: Request) -> Response:
        principal = await self._editor(request)
        if request.method == "GET":
            return _json({"routes": await self.store.list(principal.tenant)})
        return _json(await self.store.add(principal, await read_object(request, max_bytes=_MAX_BODY_BYTES)), 201)

    async def one(self, request: Request) -> Response:
        principal, name = await self._editor(request), request.path_params["name"]
        if request.method == "GET":
            return _json(await self.store.get(principal.tenant, name))
        if request.method == "PUT":
            body = await read_object(request, max_bytes=_MAX_BODY_BYTES)
            return _json(await self.store.put(principal, name, body))
        await self.store.remove(principal, name)
        return Response(status_code=204, headers=headers.api())

    async def _editor(self, request: Request) -> Principal:
        principal = await self.tokens.principal(request)
        principal.require(EDIT_INTEGRATIONS)
        return principal


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status, headers.api())
