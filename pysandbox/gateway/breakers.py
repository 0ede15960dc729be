"""Circuit breakers over HTTP: what this server lets rest now, proxy routes and the plugins of flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.breaker import Resting
from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import READ_TELEMETRY, Authenticator

PATH = "/api/v2/breakers"


@dataclass(frozen=True, slots=True)
class BreakerRoutes:
    """``sources``: by what kind of thing they are, those of a tenant that are not closed."""

    tokens: Authenticator
    sources: Mapping[str, Callable[[str], list[Resting]]]

    def routes(self) -> list[Route]:
        return [Route(PATH, self.resting)]

    async def resting(self, request: Request) -> Response:
        principal = await self.tokens.principal(request)
        principal.require(READ_TELEMETRY)
        found = [
            {"kind": kind, "name": one.name, "state": one.state, "retryInMs": round(one.retry_in_ms)}
            for kind, resting in self.sources.items() for one in sorted(resting(principal.tenant))]
        return JSONResponse({"breakers": found}, headers=headers.api())
