"""The real server: both origins, from settings, until `close`. For folders of plugins without a registry: `serve`.

    with GatewayServer(Settings(port=0, sandbox_port=0, data_dir=folder)) as server:
        print(server.api_origin, server.sandbox_origin, server.token("webchat:session:read"))
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from pysandbox.gateway import errors
from pysandbox.gateway.app import OPEN_PATHS, guarded_app
from pysandbox.gateway.auth import development
from pysandbox.gateway.config_checks import Places, check, places
from pysandbox.gateway.dist import Dist, load_dist
from pysandbox.gateway.front import Front
from pysandbox.gateway.openapi import openapi_route
from pysandbox.gateway.pages import page_route
from pysandbox.gateway.parts import Gateway, OpenInvoker, open_gateway
from pysandbox.gateway.running import Running, bind
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.static import sandbox_app
from pysandbox.gateway.watch import Watch


class GatewayServer:
    """``ports``: the API's and the sandbox's, as they were bound. ``pages``: a folder served under ``/pages/`` of the
    API origin, whose pages may embed the sandbox; None for none. ``open_invoker``: what runs plugins for flows; None:
    Deno.

    Raises `SandboxError` for whatever stands in the way, before anything is answered.
    """

    def __init__(
        self, settings: Settings, *, pages: Path | None = None, open_invoker: OpenInvoker | None = None
    ) -> None:
        check(settings)
        self.settings = settings
        self._pages = pages
        self._open_invoker = open_invoker
        self._gateway: Gateway | None = None
        bundle = load_dist(settings.dist)
        sockets = bind(settings.host, [settings.port, settings.sandbox_port])
        try:
            self.ports = tuple(bound.getsockname()[1] for bound in sockets)
            self.places: Places = places(settings, *self.ports, own_pages=pages is not None)
            self._running = Running(lambda: self._apps(bundle), sockets, drain_s=settings.drain_s)
        except BaseException:
            for bound in sockets:
                bound.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def api_origin(self) -> str:
        return self.places.api_origin

    @property
    def sandbox_origin(self) -> str:
        return self.places.sandbox_origin

    def token(
        self, *scopes: str, subject: str = "developer", tenant: str = "development", life_s: int = 3600
    ) -> str:
        """A development token for this server. Raises `SandboxError` ``INPUT_INVALID`` where it takes none."""
        return development.sign(
            development.development_key(self.settings), subject=subject, tenant=tenant, scopes=scopes,
            now_s=int(time.time()), life_s=life_s, tenant_claim=self.settings.tenant_claim,
            scope_claim=self.settings.scope_claim)

    def close(self) -> None:
        """Answer no new connection, let requests in progress end, and join the thread. Twice does no harm."""
        if self._gateway is not None:
            self._gateway.stop()
            time.sleep(self.settings.stop_delay_s)
            self._gateway = None
        self._running.close()

    @asynccontextmanager
    async def _apps(self, bundle: Dist) -> AsyncGenerator[Sequence[ASGIApp]]:
        async with open_gateway(self.settings, self.places, bundle, self._open_invoker) as gateway:
            self._gateway = gateway
            at = self.places
            yield [
                self._api(gateway),
                sandbox_app(
                    bundle, sandbox_origin=at.sandbox_origin, api_origin=at.api_origin, allowed=at.allowed_origins,
                    api_prefix=self.settings.path_prefix)]

    def _api(self, gateway: Gateway) -> ASGIApp:
        at = self.places
        routes = [*gateway.routes, openapi_route(at.api_origin + self.settings.path_prefix)]
        if self._pages is not None:
            routes.append(page_route(self._pages, sandbox_origin=at.sandbox_origin))
        guarded = guarded_app(
            routes, api_origin=at.api_origin, sandbox_origin=at.sandbox_origin, open_paths=OPEN_PATHS)
        watched = Watch(guarded, gateway.metrics, routes, log=self.settings.access_log)
        return Front(watched, errors.envelope, prefix=self.settings.path_prefix, trusted=at.trusted_proxies)
