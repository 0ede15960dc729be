"""The deployment under attack: where its two origins are, who may embed it, what kind it is. Looks, changes nothing."""

from __future__ import annotations

import html
import http.client
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pysandbox.core.errors import Code, SandboxError
from pysandbox.testing.attacks.live.client import Client

_CONFIG: Final = re.compile(r'<meta name="pysandbox-config" content="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Target:
    """``is_development``: a `serve --plugins`, which has neither registry nor proxy. ``build``: of its bundle."""

    api: Client
    sandbox: Client
    allowed_origins: tuple[str, ...]
    build: str
    token: str
    is_development: bool

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that it can reach a server of ours."""
        return is_loopback(self.api.origin)


def is_loopback(url: str) -> bool:
    """Whether ``url`` names an address of this machine. A name does not, save ``localhost``."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find(url: str, token: str, sandbox: str | None = None) -> Target:
    """The deployment at ``url``: its API, or its sandbox origin. ``sandbox``: where that is, if it cannot be found.

    Raises `SandboxError` ``INPUT_INVALID`` that says what to pass.
    """
    origin, _ = split(url)
    tried = [split(sandbox)[0]] if sandbox else [origin, *_beside(origin)]
    for place in tried:
        config = _config(Client(place))
        if config is None:
            continue
        api, below = split(str(config["apiBase"]))
        if origin not in (place, api):
            raise SandboxError(Code.INPUT_INVALID, f"the sandbox at {place} belongs to {api}, not to {origin}")
        return Target(
            api=Client(api, below), sandbox=Client(place),
            allowed_origins=tuple(cast(list[str], config["allowedOrigins"])), build=str(config["build"]), token=token,
            is_development="." not in token)
    raise SandboxError(
        Code.INPUT_INVALID,
        f"no sandbox was found at {' or '.join(tried)}: is it running? Say where its sandbox origin is: --sandbox URL")


def require_allowed(target: Target, origin: str) -> None:
    """Raises `SandboxError` ``ORIGIN_NOT_ALLOWED`` unless pages of ``origin`` may embed the sandbox."""
    if origin in target.allowed_origins:
        return
    setting = (
        f"start it with --allowed-origin {origin}" if target.is_development else
        f"add it to PYSANDBOX_ALLOWED_ORIGINS (or allowed_origins in its file, or --allowed-origin {origin})")
    raise SandboxError(
        Code.ORIGIN_NOT_ALLOWED,
        f"the attacks are made by a page of {origin}, which may not embed this deployment: {setting}, and start it "
        "again. Take it out afterwards. Another port of this machine can be chosen by --page-port")


def split(url: str) -> tuple[str, str]:
    """Origin and path below it. Raises `SandboxError` ``INPUT_INVALID`` for what is no address of a deployment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SandboxError(
            Code.INPUT_INVALID, f"{url[:200]!r} is no deployment's address: write http://127.0.0.1:8900 or https://…")
    return f"{parts.scheme}://{parts.netloc.lower()}", parts.path.rstrip("/")


def _beside(origin: str) -> list[str]:
    """Where `serve` puts the sandbox on this machine: at the next port."""
    port = urlsplit(origin).port
    if not is_loopback(origin) or port is None or port == 65535:
        return []
    return [origin.removesuffix(str(port)) + str(port + 1)]


def _config(client: Client) -> dict[str, Any] | None:
    """What is written into ``host.html``, None where there is none."""
    try:
        answer = client.ask("GET", "/host.html")
    except (OSError, http.client.HTTPException):
        return None
    found = _CONFIG.search(answer.body.decode(errors="replace"))
    if answer.status != 200 or found is None:
        return None
    config = json.loads(html.unescape(found[1]))
    return config if {"apiBase", "allowedOrigins", "build"} <= config.keys() else None
