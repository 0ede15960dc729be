"""Runs both origins in one process: two loopback ports, one event loop, one thread.

    with DevServer(plugins=["examples/risk_scoring"]) as server:
        print(server.api_origin, server.sandbox_origin, server.token)
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.api import Api
from pysandbox.gateway.app import api_app
from pysandbox.gateway.dist import load_dist
from pysandbox.gateway.folder import Resolver, refuse_requirements
from pysandbox.gateway.job import Job
from pysandbox.gateway.library import library_judge
from pysandbox.gateway.origins import parse_origin
from pysandbox.gateway.pages import pages_folder
from pysandbox.gateway.plugins import PluginFolders
from pysandbox.gateway.sessions import DevSessions, require_loopback
from pysandbox.gateway.static import sandbox_app

_START_S: Final = 10.0
_STOP_S: Final = 5.0


class DevServer:
    """The API origin and the sandbox origin on loopback, from construction until `close`.

    ``plugins``: plugin folders. ``allowed_origins``: further origins whose pages may embed the sandbox; the API
    origin may always (its pages are there). ``dist``: the browser bundle's folder; None for the one in the package.
    ``pages``: the folder served under ``/pages/``; None for ours. ``with_pages=False`` serves none. ``token``: the
    session token; None makes one. ``reload``: build a plugin again when its folder changes. ``resolve``: finds the
    wheels of a plugin's requirements.txt; the default refuses the file. ``chaos``: what goes wrong at the ports of
    plugins, on purpose; see docs/qa.md. Port 0 takes a free one.

    Raises `SandboxError` for whatever stands in the way, before anything listens.
    """

    def __init__(
        self, plugins: Iterable[str | Path] = (), *, api_port: int = 0, sandbox_port: int = 0,
        allowed_origins: Sequence[str] = (), dist: Path | None = None, pages: Path | None = None,
        with_pages: bool = True, host: str = "127.0.0.1", token: str | None = None, reload: bool = False,
        job: Job | None = None, resolve: Resolver = refuse_requirements, chaos: Chaos | None = None,
    ) -> None:
        require_loopback(host)
        extra = [parse_origin(origin) for origin in allowed_origins]
        self.plugins = PluginFolders([Path(folder) for folder in plugins], reload=reload, resolve=resolve)
        bundle = load_dist(dist)
        self.token = token or secrets.token_urlsafe(32)
        sockets = _bind(host, [api_port, sandbox_port])
        try:
            self.api_origin, self.sandbox_origin = (f"http://{host}:{bound.getsockname()[1]}" for bound in sockets)
            self.allowed_origins = tuple(dict.fromkeys([self.api_origin, *extra]))
            sessions = DevSessions(
                token=self.token, allowed_origins=self.allowed_origins, now_ms=lambda: time.time_ns() // 1_000_000,
                random_hex=secrets.token_hex)
            apps = [
                api_app(
                    Api(sessions, self.plugins, job, library_judge(bundle)), api_origin=self.api_origin,
                    sandbox_origin=self.sandbox_origin,
                    pages=(pages or pages_folder()) if with_pages else None),
                sandbox_app(
                    bundle, sandbox_origin=self.sandbox_origin, api_origin=self.api_origin,
                    allowed=self.allowed_origins, chaos=chaos),
            ]
            self._servers = [_server(app) for app in apps]
            self._thread = _start(self._servers, sockets)
        except BaseException:
            for bound in sockets:
                bound.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def block(self, plugin_id: str, version: str) -> None:
        """Nobody can load this version any more, and pages that have it open end it within seconds.

        Raises `SandboxError` ``PLUGIN_NOT_FOUND`` for a version that is not served.
        """
        self.plugins.set_blocked(plugin_id, version, blocked=True)

    def unblock(self, plugin_id: str, version: str) -> None:
        """The version can be loaded again. Raises as `block` does."""
        self.plugins.set_blocked(plugin_id, version, blocked=False)

    def close(self) -> None:
        """Stop listening, let answers in progress end, and join the thread. A second call does nothing."""
        self.plugins.blocks.close()
        for server in self._servers:
            server.should_exit = True
        self._thread.join(_STOP_S)
        if self._thread.is_alive():  # an answer that does not end: cut it off
            for server in self._servers:
                server.force_exit = True
            self._thread.join(_STOP_S)


def _bind(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """A listening socket for each port. Raises `SandboxError` ``INPUT_INVALID`` for a port that is taken."""
    sockets: list[socket.socket] = []
    for port in ports:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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


def _server(app: ASGIApp) -> uvicorn.Server:
    # No access log: it would hold the query of every request, and a cell's must never be written down.
    return uvicorn.Server(uvicorn.Config(
        app, access_log=False, log_config=None, server_header=False, lifespan="off", ws="none", proxy_headers=False,
        timeout_keep_alive=75, timeout_graceful_shutdown=2))


def _start(servers: Sequence[uvicorn.Server], sockets: Sequence[socket.socket]) -> threading.Thread:
    async def serve() -> None:
        await asyncio.gather(*(
            server.serve(sockets=[bound]) for server, bound in zip(servers, sockets, strict=True)))

    def run() -> None:
        with asyncio.Runner(loop_factory=servers[0].config.get_loop_factory()) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="pysandbox-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_S
    while not all(server.started for server in servers):
        if not thread.is_alive() or time.monotonic() > deadline:
            raise SandboxError(Code.INTERNAL_ERROR, "the server did not start; its log says why")
        time.sleep(0.002)
    return thread
