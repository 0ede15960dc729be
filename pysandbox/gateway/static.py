"""The sandbox origin: the browser bundle and nothing else. No cookie, no token, no state, no log of queries.

Every answer, errors included, carries the strict headers. A name is looked up in a table, so no path can reach a
file beside the bundle's.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import errors, headers
from pysandbox.gateway.backstop import Backstop
from pysandbox.gateway.dist import DOCUMENTS, ENTRY_FILES, Dist, Resource
from pysandbox.gateway.negotiate import choose, not_modified
from pysandbox.gateway.origins import HostGuard, authority


def sandbox_app(
    dist: Dist, *, sandbox_origin: str, api_origin: str, allowed: Sequence[str], api_prefix: str = "",
    chaos: Chaos | None = None,
) -> ASGIApp:
    """The application of the sandbox origin. ``allowed``: origins whose pages may embed ``host.html``.

    ``api_prefix``: the path below which the API is, at its origin. ``chaos``: what goes wrong at the ports of plugins,
    on purpose.
    """
    config: dict[str, object] = {
        "build": dist.build, "apiBase": api_origin + api_prefix, "allowedOrigins": list(allowed)}
    if chaos is not None:
        config["chaos"] = str(chaos)
    host = dist.document("host.html", config)
    cell = dist.document("cell.html", {})
    host_headers, host_isolated = (
        headers.host_document(
            script_hash=dist.host_script, sandbox_origin=sandbox_origin, api_origin=api_origin, allowed=allowed,
            isolated=isolated)
        for isolated in (False, True))
    cell_headers = {
        path: headers.cell_document(
            script_hash=dist.cell_script, sandbox_origin=sandbox_origin, allowed=allowed, isolated=isolated)
        for path, isolated in ((headers.CELL, False), (headers.CELL_ISOLATED, True))}

    async def entry_file(request: Request) -> Response:
        return answer(request, _found(dist.asset(request.url.path[1:])), headers.entry_file())

    async def host_page(request: Request) -> Response:
        isolated = request.scope["query_string"] == b"isolated"
        return answer(request, host, host_isolated if isolated else host_headers)

    async def cell_page(request: Request) -> Response:
        if request.scope["query_string"]:  # a cell that navigates itself could carry data out in a query
            raise SandboxError(Code.NOT_FOUND)
        return answer(request, cell, cell_headers[request.url.path])

    async def asset(request: Request) -> Response:
        build, name = request.path_params["build"], request.path_params["name"]
        served = build == dist.build and name not in DOCUMENTS and name not in ENTRY_FILES
        return answer(request, _found(dist.asset(name) if served else None), headers.asset())

    app = Starlette(
        routes=[
            *(Route(f"/{name}", entry_file) for name in ENTRY_FILES),
            Route("/host.html", host_page),
            *(Route(path, cell_page) for path in cell_headers),
            Route("/assets/{build}/{name}", asset),
        ],
        exception_handlers=errors.handlers(errors.plain))
    app.router.redirect_slashes = False
    guarded = HostGuard(app, errors.plain, host=authority(sandbox_origin), origins=None)
    return Backstop(guarded, headers.strict_error())


def answer(request: Request, found: Resource, extra: headers.Headers) -> Response:
    """The representation that the request asks for, or 304 when it has it already."""
    variant = choose(found.variants, request.headers.get("accept-encoding"))
    fields = {**extra, "ETag": variant.etag}
    if len(found.variants) > 1:
        fields["Vary"] = "Accept-Encoding"
    if extra["Cache-Control"] != headers.NO_STORE and not_modified(variant.etag, request.headers.get("if-none-match")):
        return Response(status_code=304, headers=fields)
    if variant.encoding:
        fields["Content-Encoding"] = variant.encoding
    return Response(variant.body, 200, fields, media_type=found.media_type)


def _found(resource: Resource | None) -> Resource:
    if resource is None:
        raise SandboxError(Code.NOT_FOUND)
    return resource
