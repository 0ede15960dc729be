"""Runs ASGI applications on sockets: one event loop in one thread, ended so that nothing in progress is cut off.

Must not know: what the applications do.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.wire import StrictProtocol

_START_S: Final = 30.0
_STOP_S: Final = 5.0

Open = Callable[[], AbstractAsyncContextManager[Sequence[ASGIApp]]]


def bind(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """A listening socket for each port. Raises `SandboxError` ``INPUT_INVALID`` for a port that is taken."""
    sockets: list[socket.socket] = []
    for port in ports:
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        sockets.append(bound)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            for other in sockets:
                other.close()
            raise SandboxError(
                Code.INPUT_INVALID, f"port {port} of {host} cannot be used ({error.strerror}); choose another"
            ) from error
    return sockets


class Running:
    """Applications on ``sockets``, from construction until `close`.

    ``open_apps`` makes one application for each socket, on the event loop that serves them, and is left when they have
    ended. ``drain_s``: how long requests in progress may take then. Raises what ``open_apps`` raises.
    """

    def __init__(self, open_apps: Open, sockets: Sequence[socket.socket], *, drain_s: int = 2) -> None:
        self._open = open_apps
        self._sockets = sockets
        self._drain_s = drain_s
        self._servers: list[uvicorn.Server] = []
        self._failed: BaseException | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pysandbox-server", daemon=True)
        self._thread.start()
        self._up.wait()
        if self._failed is not None:
            self._thread.join(_STOP_S)
            raise self._failed

    def close(self) -> None:
        """Stop listening, let answers in progress end, and join the thread. A second call does nothing."""
        for server in self._servers:
            server.should_exit = True
        self._thread.join(self._drain_s + _STOP_S)
        if self._thread.is_alive():  # an answer that does not end: cut it off
            for server in self._servers:
                server.force_exit = True
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._up.is_set():
                raise
            self._failed = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        async with self._open() as apps:
            self._servers = [make_server(app, self._drain_s) for app in apps]
            async with asyncio.TaskGroup() as group:
                for server, bound in zip(self._servers, self._sockets, strict=True):
                    group.create_task(server.serve(sockets=[bound]))
                deadline = time.monotonic() + _START_S
                while not all(server.started for server in self._servers):
                    if time.monotonic() > deadline:
                        raise SandboxError(Code.INTERNAL_ERROR, "the server did not start; its log says why")
                    await asyncio.sleep(0.002)
                self._up.set()


def make_server(app: ASGIApp, drain_s: int = 2) -> uvicorn.Server:
    """uvicorn as every server of ours runs it."""
    # No access log: it would hold the query of every request, and a cell's must never be written down.
    return uvicorn.Server(uvicorn.Config(
        app, http=StrictProtocol, access_log=False, log_config=None, server_header=False, lifespan="off", ws="none",
        proxy_headers=False, timeout_keep_alive=75, timeout_graceful_shutdown=drain_s))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop of every server of ours; None for asyncio's own."""
    return make_server(_nothing).config.get_loop_factory()


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    """No application: uvicorn wants one before it tells which event loop it would use."""
