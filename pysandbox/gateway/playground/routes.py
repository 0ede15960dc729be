"""The playground's part of the API: look at the folder, read and write its files, explain a denial.

Who may ask: our own page alone. It has a token of its own; a request from any other origin is refused, the sandbox's
too, which the rest of the API answers. Must not know: sandboxes, sessions.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway import headers
from pysandbox.gateway.folder import MANIFEST_NAME, Resolver, refuse_requirements
from pysandbox.gateway.long_poll import MAX_WAIT_S
from pysandbox.gateway.playground.explain import MAX_CHARS, explain
from pysandbox.gateway.playground.files import MAX_BYTES, PluginFiles, version
from pysandbox.gateway.playground.live import LiveFolder
from pysandbox.gateway.playground.look import look
from pysandbox.gateway.reading import bearer, read_object

LOOK_S: Final = 0.15
"""How often the folder is looked at while a page waits for a change."""


class Playground:
    """``plugins`` is the registry to serve it with. ``token`` stands in the page's address, in the fragment."""

    def __init__(
        self, folder: Path, *, resolve: Resolver = refuse_requirements, token: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plugins = LiveFolder(folder, resolve=resolve)
        self.token = token or secrets.token_urlsafe(32)
        self._files = PluginFiles(folder)
        self._sleep = sleep
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/playground/state", self.state),
            Route("/playground/explain", self.explain, methods=["POST"]),
            Route("/playground/files/{name:path}", self.read),
            Route("/playground/files/{name:path}", self.write, methods=["PUT"]),
        ]

    async def state(self, request: Request) -> Response:
        """Answered when the folder is not as it was at ``since``, or after some seconds."""
        self._admit(request)
        since = request.query_params.get("since", "")
        end_s = self._clock() + MAX_WAIT_S
        while (revision := await run_in_threadpool(self._revision)) == since:
            if self._clock() >= end_s or self.plugins.blocks.closed:
                return _json({"revision": revision})
            await self._sleep(LOOK_S)
        return _json({"revision": revision, **await run_in_threadpool(look, self.plugins, self._files)})

    async def explain(self, request: Request) -> Response:
        self._admit(request)
        told = await read_object(request, max_bytes=16 * MAX_CHARS)
        message, permission = _member(told, "message")[:MAX_CHARS], _member(told, "permission")[:MAX_CHARS]
        return _json(explain(message, await run_in_threadpool(self._files.read, MANIFEST_NAME), permission))

    async def read(self, request: Request) -> Response:
        self._admit(request)
        text = await run_in_threadpool(self._files.read, request.path_params["name"])
        return _json({"text": text, "version": version(text)})

    async def write(self, request: Request) -> Response:
        self._admit(request)
        told = await read_object(request, max_bytes=8 * MAX_BYTES)
        before = _member(told, "before") if told.get("before") is not None else None
        text = _member(told, "text")
        saved = await run_in_threadpool(self._files.write, request.path_params["name"], text, before=before)
        return _json({"version": saved})

    def _revision(self) -> str:
        return hashlib.sha256(repr(self._files.marks()).encode()).hexdigest()[:16]

    def _admit(self, request: Request) -> None:
        """Raises `SandboxError`. That ``Host`` is ours was seen before any route."""
        self._from_own_page(request)
        if not hmac.compare_digest(bearer(request).encode(errors="surrogatepass"), self.token.encode()):
            raise SandboxError(
                Code.SESSION_INVALID, "the playground's token is wrong: open the address that `pysandbox dev` printed")

    def _from_own_page(self, request: Request) -> None:
        own = f"http://{request.headers['host']}"
        origin = request.headers.get("origin", "" if request.method in ("PUT", "POST") else own)
        if origin != own:  # a browser sends it with every request that is no plain GET
            raise SandboxError(Code.ORIGIN_NOT_ALLOWED, "only the playground's own page may ask this")


def _member(told: dict[str, object], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise SandboxError(
            Code.INPUT_INVALID, f"{name} is missing", details=[Problem(f"$.{name}", "is no string", "Send a string.")])
    return value


def _json(value: object) -> Response:
    return JSONResponse(value, headers=headers.api())
