"""An ASGI application at a real port, in a thread with an event loop of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

START_S = 15.0


async def nothing() -> None:
    """What most applications have to close."""


@contextmanager
def serving(app: ASGIApp, close: Callable[[], Awaitable[None]] = nothing) -> Iterator[str]:
    """Its origin. `close` runs in the server's loop when the block ends."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(
        app, access_log=False, log_config=None, lifespan="off", ws="none", server_header=False, date_header=False,
        timeout_graceful_shutdown=1))

    async def serve() -> None:
        await server.serve(sockets=[bound])
        await close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < until
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)
        bound.close()
