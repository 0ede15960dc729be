"""Composition: the API origin's application from its parts. The sandbox origin's is in `static.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pysandbox.gateway import errors, headers
from pysandbox.gateway.api import Api
from pysandbox.gateway.backstop import Backstop
from pysandbox.gateway.origins import HostGuard, authority
from pysandbox.gateway.pages import page_route

OPEN_PATHS: Final = ("/healthz", "/readyz", "/metrics")
"""Asked for by the operator's tools, which know a replica by its address."""
_HEADERS: Final = (
    "authorization", "content-type", "content-encoding", "pysandbox-plugin", "pysandbox-nonce", "pysandbox-headers",
    "pysandbox-timeout-ms", "pysandbox-correlation-id", "traceparent", "cache-control")


def api_app(
    api: Api, *, api_origin: str, sandbox_origin: str, pages: Path | None, more: Sequence[BaseRoute] = ()
) -> ASGIApp:
    """The application of the API origin. ``pages``: the folder under ``/pages/``, or None for none. ``more``: further
    routes.

    From the outside in: the headers that nothing may lack; who may ask at all; CORS for exactly the sandbox origin,
    whose host worker is the API's client; the routes.
    """
    routes: list[BaseRoute] = [*api.routes(), *more]
    if pages is not None:
        routes.append(page_route(pages, sandbox_origin=sandbox_origin))
    return guarded_app(routes, api_origin=api_origin, sandbox_origin=sandbox_origin)


def guarded_app(
    routes: Sequence[BaseRoute], *, api_origin: str, sandbox_origin: str, open_paths: Iterable[str] = (),
) -> ASGIApp:
    """``routes`` behind what every request to the API origin passes, from the outside in: see `api_app`."""
    app = Starlette(routes=list(routes), exception_handlers=errors.handlers(errors.envelope))
    app.router.redirect_slashes = False
    guarded = HostGuard(
        _Cors(app, sandbox_origin), errors.envelope, host=authority(api_origin), origins={api_origin, sandbox_origin},
        open_paths=open_paths)
    return Backstop(guarded, headers.api())


class _Cors:
    """CORS for exactly the sandbox origin: every method for what plugins ask of the proxy and for a session that ends,
    and nothing that administers."""

    def __init__(self, app: ASGIApp, sandbox_origin: str) -> None:
        def allowing(methods: Sequence[str]) -> CORSMiddleware:
            return CORSMiddleware(
                app, allow_origins=[sandbox_origin], allow_methods=methods, allow_headers=_HEADERS,
                expose_headers=["*"], max_age=600)

        self._plain = allowing(["GET", "POST"])
        self._free = allowing(["GET", "POST", "PUT", "PATCH", "DELETE"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        free = scope["type"] == "http" and scope["path"].startswith(("/proxy/", "/api/v2/sessions/current"))
        await (self._free if free else self._plain)(scope, receive, send)
