"""The bare pass-through, aiohttp in and aiohttp out: `python -m tests.bench.gateway.passthrough PORT UPSTREAM_PORT`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web


def application(upstream: str) -> web.Application:
    app = web.Application()
    client = web.AppKey("client", aiohttp.ClientSession)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        app[client] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=512), auto_decompress=False)
        yield
        await app[client].close()

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {"Content-Type": request.headers["Content-Type"]}
        url = upstream + request.path_qs
        async with app[client].request(request.method, url, data=body, headers=headers) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(),
                headers={"Content-Type": answer.headers["Content-Type"]})

    app.cleanup_ctx.append(opened)
    app.router.add_route("*", "/{tail:.*}", forward)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(
        application(f"http://127.0.0.1:{sys.argv[2]}"), host="127.0.0.1", port=int(sys.argv[1]), access_log=None,
        print=None)
