"""The server of the peers' pages and files, and of every page's channel: uvicorn in a thread, on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.bench.assets import Asset
from tests.bench.channel import Channel


class BenchServer:
    """Serves assets; `channel()` opens a line to one page. A context manager."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets
        self._channels: dict[str, Channel] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(
            routes=[Route("/control/{run}", self._control, methods=["POST"]), Route("/{path:path}", self._file)]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="bench-server", daemon=True)

    def channel(self) -> Channel:
        """A line to a page that will be opened."""
        opened = Channel(self._loop)
        self._channels[opened.run] = opened
        return opened

    async def _file(self, request: Request) -> Response:
        found = self._assets.get(request.url.path)
        if found is None:
            return Response(status_code=404)
        headers = dict(found.headers)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        small = "br" in request.headers.get("accept-encoding", "") and len(found.packed) < len(found.plain)
        if small:
            headers["Content-Encoding"] = "br"
        return Response(found.packed if small else found.plain, headers=headers)

    async def _control(self, request: Request) -> Response:
        channel = self._channels.get(request.path_params["run"])
        if channel is None:
            return Response(status_code=404)
        command = await channel.exchange(await request.json())
        return Response(status_code=204) if command is None else JSONResponse(command)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels.values():
            channel.end()
        self._server.should_exit = True
        self._thread.join(10)
