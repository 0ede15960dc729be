"""What stands in front: a path prefix, and proxies that say which host the browser asked for.

Only a peer on the list is believed. From all others the forwarding headers are taken away before anything can read
them, so that nobody names himself another host. Must not know: hosts, origins, routes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.config_checks import Network
from pysandbox.gateway.errors import Refuse

_FORWARDING: Final = (b"forwarded", b"x-forwarded-")


class Front:
    """``prefix``: the path below which requests come; without it they are answered too, for proxies that remove it."""

    def __init__(self, app: ASGIApp, refuse: Refuse, *, prefix: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._refuse = refuse
        self._prefix = prefix
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"x-forwarded-host"]
        kept = [(name, value) for name, value in scope["headers"] if not name.startswith(_FORWARDING)]
        if hosts and self._believes(scope):
            if len(hosts) > 1 or b"," in hosts[0]:
                await self._refuse(421, SandboxError(
                    Code.HOST_NOT_ALLOWED, "the proxy in front names more than one host"))(scope, receive, send)
                return
            kept = [(name, value) for name, value in kept if name != b"host"] + [(b"host", hosts[0].strip())]
        await self._app({**self._below(scope), "headers": kept}, receive, send)

    def _believes(self, scope: Scope) -> bool:
        client = scope.get("client")
        if client is None:
            return False
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _below(self, scope: Scope) -> Scope:
        """``scope`` as it would be without the prefix."""
        prefix, path, raw = self._prefix, scope["path"], scope["raw_path"]
        if not prefix or not path.startswith(f"{prefix}/") or not raw.startswith(f"{prefix}/".encode()):
            return scope
        return {**scope, "path": path[len(prefix):], "raw_path": raw[len(prefix):]}
