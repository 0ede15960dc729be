"""Which hosts and origins the server answers: the wall against DNS rebinding and cross-site requests.

A page of a rebound domain reaches 127.0.0.1 with its own name in ``Host``; a page of another site sends its own
``Origin``. Both are compared, whole, with what this server was started as. Must not know: routes or sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.errors import Refuse

_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str:
    """An origin as browsers serialize it (``https://app.example``), safe to stand in a CSP.

    Raises `SandboxError` ``INPUT_INVALID`` for anything else: a path, a wildcard, ``null``, an IPv6 literal (which a
    CSP source cannot name), and whatever could smuggle a second directive.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if found is None or ".." in text or int(found[3] or 1) > 65535:
        raise SandboxError(
            Code.INPUT_INVALID,
            f"{text[:200]!r} is not an origin: write scheme, host and port alone, such as https://app.example:8443")
    scheme, host, port = found[1], found[2], found[3]
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def authority(origin: str) -> str:
    """What a browser puts in ``Host`` for an origin: ``app.example:8443``."""
    return origin.partition("://")[2]


class HostGuard:
    """Refuses every request whose ``Host`` is not exactly ours, and every foreign ``Origin`` where that matters.

    ``origins``: what ``Origin`` may be, when it is sent at all; None lets every origin pass (public static files).
    A request without an ``Origin`` is not from a cross-site script; it still needs its token, which no browser
    sends by itself. ``open_paths``: what the operator's own tools ask for under any name of this machine.
    """

    def __init__(
        self, app: ASGIApp, refuse: Refuse, *, host: str, origins: Iterable[str] | None,
        open_paths: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._host = host.encode()
        self._open_paths = frozenset(open_paths)
        self._origins = None if origins is None else {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [value.lower() for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if hosts != [self._host] and not (len(hosts) == 1 and scope["path"] in self._open_paths):
            await self._refuse(421, SandboxError(
                Code.HOST_NOT_ALLOWED, f"this server answers to {self._host.decode()} alone"))(scope, receive, send)
        elif self._origins is not None and (len(origins) > 1 or not self._origins.issuperset(origins)):
            await self._refuse(403, SandboxError(
                Code.ORIGIN_NOT_ALLOWED, "requests from this origin are refused"))(scope, receive, send)
        else:
            await self._app(scope, receive, send)
