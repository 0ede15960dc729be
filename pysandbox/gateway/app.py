"""Composition: the API origin's application from its parts. The sandbox origin's is in `static.py`."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from pysandbox.gateway import errors, headers
from pysandbox.gateway.api import Api
from pysandbox.gateway.backstop import Backstop
from pysandbox.gateway.origins import HostGuard, authority
from pysandbox.gateway.pages import page_route


def api_app(api: Api, *, api_origin: str, sandbox_origin: str, pages: Path | None) -> ASGIApp:
    """The application of the API origin. ``pages``: the folder under ``/pages/``, or None for none.

    From the outside in: the headers that nothing may lack; who may ask at all; CORS for exactly the sandbox origin,
    whose host worker is the API's client; the routes.
    """
    routes = api.routes()
    if pages is not None:
        routes.append(page_route(pages, sandbox_origin=sandbox_origin))
    app = Starlette(routes=routes, exception_handlers=errors.handlers(errors.envelope))
    app.router.redirect_slashes = False
    cors = CORSMiddleware(
        app, allow_origins=[sandbox_origin], allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"], max_age=600)
    guarded = HostGuard(
        cors, errors.envelope, host=authority(api_origin), origins={api_origin, sandbox_origin})
    return Backstop(guarded, headers.api())
