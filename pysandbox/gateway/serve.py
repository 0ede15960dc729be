"""Runs both origins in one process: two loopback ports, one event loop, one thread.

    with DevServer(plugins=["examples/risk_scoring"]) as server:
        print(server.api_origin, server.sandbox_origin, server.token)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from pysandbox.core.chaos import Chaos
from pysandbox.gateway.api import Api
from pysandbox.gateway.app import api_app
from pysandbox.gateway.dist import load_dist
from pysandbox.gateway.folder import Resolver, refuse_requirements
from pysandbox.gateway.job import Job
from pysandbox.gateway.library import library_judge
from pysandbox.gateway.origins import parse_origin
from pysandbox.gateway.pages import pages_folder
from pysandbox.gateway.plugins import PluginFolders
from pysandbox.gateway.running import Running, bind
from pysandbox.gateway.selftest import selftest_routes
from pysandbox.gateway.sessions import DevSessions, require_loopback
from pysandbox.gateway.static import sandbox_app


class DevServer:
    """The API origin and the sandbox origin on loopback, from construction until `close`.

    ``plugins``: plugin folders, or a registry of them. ``allowed_origins``: further origins whose pages may embed the
    sandbox; the API origin may always (its pages are there). ``dist``: the browser bundle's folder; None for the one in
    the package. ``pages``: the folder served under ``/pages/``; None for ours. ``with_pages=False`` serves none.
    ``token``: the session token; None makes one. ``reload``: build a plugin again when its folder changes. ``resolve``:
    finds the wheels of a plugin's requirements.txt; the default refuses the file. ``chaos``: what goes wrong at the
    ports of plugins, on purpose; see docs/qa.md. ``routes``: further ones of the API origin. Port 0 takes a free one.

    Raises `SandboxError` for whatever stands in the way, before anything listens.
    """

    def __init__(
        self, plugins: Iterable[str | Path] | PluginFolders = (), *, api_port: int = 0, sandbox_port: int = 0,
        allowed_origins: Sequence[str] = (), dist: Path | None = None, pages: Path | None = None,
        with_pages: bool = True, host: str = "127.0.0.1", token: str | None = None, reload: bool = False,
        job: Job | None = None, resolve: Resolver = refuse_requirements, chaos: Chaos | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        require_loopback(host)
        extra = [parse_origin(origin) for origin in allowed_origins]
        self.plugins = plugins if isinstance(plugins, PluginFolders) else PluginFolders(
            [Path(folder) for folder in plugins], reload=reload, resolve=resolve)
        bundle = load_dist(dist)
        self.token = token or secrets.token_urlsafe(32)
        sockets = bind(host, [api_port, sandbox_port])
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
                    pages=(pages or pages_folder()) if with_pages else None,
                    more=[*routes, *selftest_routes(sandbox_origin=self.sandbox_origin)]),
                sandbox_app(
                    bundle, sandbox_origin=self.sandbox_origin, api_origin=self.api_origin,
                    allowed=self.allowed_origins, chaos=chaos),
            ]

            @asynccontextmanager
            async def opened() -> AsyncGenerator[Sequence[ASGIApp]]:
                yield apps

            self._running = Running(opened, sockets)
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
        self._running.close()
