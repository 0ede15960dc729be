"""Whether the server lives, whether it is of use, and its figures: for those who operate it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.gateway import headers
from pysandbox.gateway.auth.principal import READ_METRICS, Authenticator
from pysandbox.gateway.auth.scraper import ScraperToken
from pysandbox.gateway.reading import bearer
from pysandbox.gateway.watch import Metrics

Check = Callable[[], Awaitable[bool]]
ENDS: Final = "stopping"


@dataclass(slots=True)
class Health:
    """``needed``: without one of these nothing works; ``helpful``: without one of these some things fail closed.

    ``scraper``: who may see the figures beside those whose token has the scope.
    """

    needed: Mapping[str, Check]
    helpful: Mapping[str, Check]
    metrics: Metrics
    tokens: Authenticator
    scraper: ScraperToken | None = None
    stopping: bool = False

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.healthz), Route("/readyz", self.readyz), Route("/metrics", self.figures)]

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=headers.api())

    async def readyz(self, _request: Request) -> Response:
        """503 tells a load balancer to send requests elsewhere."""
        parts = {name: await check() for name, check in {**self.needed, **self.helpful}.items()}
        up = not self.stopping and all(parts[name] for name in self.needed)
        status = ENDS if self.stopping else "ready" if all(parts.values()) else "degraded" if up else "unavailable"
        return JSONResponse({"status": status, "parts": parts}, 200 if up else 503, headers=headers.api())

    async def figures(self, request: Request) -> Response:
        if self.scraper is None or not self.scraper.is_of(bearer(request)):
            (await self.tokens.principal(request)).require(READ_METRICS)
        return Response(generate_latest(self.metrics.registry), 200, headers.api(), media_type=CONTENT_TYPE_LATEST)
