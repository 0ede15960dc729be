"""Pages of the API origin, files of one folder: demo and test pages under ``/pages/``, the operator's ``/dashboard``.

The former show what an embedder's page does; a deployment does not serve them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.dist import Resource, resource
from pysandbox.gateway.static import answer

_PACKAGE: Final = Path(__file__).parent
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


def pages_folder() -> Path:
    """Where the pages are: inside an installed package, or in a checkout's ``web/pages``."""
    installed = _PACKAGE / "pages"
    return installed if installed.is_dir() else _PACKAGE.parent.parent / "web" / "pages"


def page_route(folder: Path, *, sandbox_origin: str) -> Route:
    """``/pages/NAME`` for the files of ``folder``. Read at each request, so that an edit shows at a reload."""
    root = folder.resolve()
    fields = headers.page(sandbox_origin=sandbox_origin)

    async def page(request: Request) -> Response:
        return answer(request, await run_in_threadpool(read_page, root, request.path_params["name"]), fields)

    return Route("/pages/{name:path}", page)


def dashboard_routes(folder: Path) -> list[Route]:
    """``/dashboard``, and its scripts and styles below it. What it shows it asks of the API, by the reader's token."""
    root = (folder / "dashboard").resolve()
    fields = headers.dashboard()

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        return answer(request, await run_in_threadpool(read_page, root, name), fields)

    return [Route("/dashboard", page), Route("/dashboard/{name}", page)]


def read_page(root: Path, name: str) -> Resource:
    """Raises `SandboxError` ``NOT_FOUND`` for what is no file of ours: hidden, of another type, or outside."""
    kind = _TYPES.get(Path(name).suffix)
    parts = name.split("/")
    if kind is None or "\\" in name or "\0" in name or any(part.startswith(".") or not part for part in parts):
        raise SandboxError(Code.NOT_FOUND)
    path = root.joinpath(*parts).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise SandboxError(Code.NOT_FOUND)
    return resource(path.read_bytes(), kind)
