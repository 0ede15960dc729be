"""Real servers on loopback for tests of the proxy: they count who connects, and answer as they are told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Wire = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """``requests``: what arrived, as (method, path and query, headers, body)."""

    port: int = 0
    requests: list[tuple[str, str, CIMultiDict[str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def upstream(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """An HTTP server whose every request ``handler`` answers."""
    seen = Upstream()

    async def noted(request: web.Request) -> web.StreamResponse:
        seen.requests.append((request.method, request.raw_path, CIMultiDict(request.headers), await request.read()))
        return await handler(request)

    runner = web.ServerRunner(web.Server(noted), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    seen.port = runner.addresses[0][1]
    try:
        yield seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(answer: Wire) -> AsyncIterator[Upstream]:
    """A TCP server: ``answer(reader, writer)`` for each connection, whose bytes are its own affair."""
    seen = Upstream()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.requests.append(("", "", CIMultiDict(), await reader.readuntil(b"\r\n\r\n")))
        try:
            await answer(reader, writer)
        except ConnectionError:
            return  # the other end has had enough, which is what most of these are for
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.json_response(value, status=status, headers=headers)

    return handler
