"""The self-test at ``/selftest``: a page that tries the walls in the window that it is opened in.

It brings the plugin that `pysandbox attack` uses; the page registers it with its reader's token, and removes it. A
server of folders has no registry: there it has to be one of the folders.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.gateway import headers
from pysandbox.gateway.dist import resource
from pysandbox.gateway.folder import submission
from pysandbox.gateway.pages import pages_folder, read_page
from pysandbox.gateway.static import answer

_TELL: Final = 'parent.postMessage({ bridges: bridges() }, "*");'
ATTACKER: Final = Path(__file__).parent.parent / "testing" / "attacks" / "live" / "plugin"


def selftest_routes(*, sandbox_origin: str) -> list[Route]:
    """``/selftest``, and its parts below it."""
    root = (pages_folder() / "selftest").resolve()
    fields = headers.selftest(sandbox_origin=sandbox_origin)

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        return answer(request, await run_in_threadpool(read_page, root, name), fields)

    building = asyncio.Lock()  # whoever asks for many waits for them, and nobody else does

    async def about(_request: Request) -> Response:
        async with building:
            told = await run_in_threadpool(submission, ATTACKER, f"1.0.0-s{secrets.token_hex(6)}")
        return JSONResponse({"sandboxOrigin": sandbox_origin, **told}, headers=headers.api())

    async def frame(request: Request) -> Response:
        found = await run_in_threadpool(read_page, root, "bridges.js")
        script = found.variants[0].body.decode() + _TELL
        body = f"<!doctype html><html lang=en><title>A frame of the self-test</title><script>{script}</script></html>"
        return answer(
            request, resource(body.encode(), "text/html; charset=utf-8"),
            headers.selftest_frame(script))

    return [
        Route("/selftest", page), Route("/selftest/about.json", about), Route("/selftest/frame.html", frame),
        Route("/selftest/{name}", page)]
