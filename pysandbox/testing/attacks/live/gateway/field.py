"""What the attacks on a gateway stand on: a session of the token's user, a route that nobody else uses, the API behind.

Everything that is made here is taken away again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from pysandbox.core import proxy_nonce
from pysandbox.core.errors import SandboxError
from pysandbox.testing.attacks.live.client import Answer
from pysandbox.testing.attacks.live.gateway.upstream import BASE, Arrived, Upstream
from pysandbox.testing.attacks.live.lodging import undisturbed
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.target import Target
from pysandbox.testing.attacks.live.verdicts import Half, Seen

_ROUTES: Final = "/api/v2/integrations/proxy/routes"
_SESSIONS: Final = "/api/v2/sessions"
NONCE_LIFE_MS: Final = 20_000
CALLER: Final = "com.pysandbox.caller"


@dataclass(frozen=True, slots=True)
class Shot:
    """One request to the proxy. ``signed``: what its nonce was made for, where that is something else."""

    path: str
    method: str = "POST"
    query: str = ""
    body: bytes = b'{"a":1}'
    content_type: str = "application/json"
    headers: str = ""
    plugin: str = ""
    more: tuple[tuple[str, str], ...] = ()
    nonce: str | None = None
    signed: Shot | None = None
    life_ms: int = NONCE_LIFE_MS


class Field:
    """``keys``: the lodged plugins' by their ids. ``no_proxy``: why the proxy cannot be attacked, empty if it can."""

    def __init__(self, target: Target, keys: dict[str, str], upstream: Upstream) -> None:
        self.target, self.keys, self.upstream = target, keys, upstream
        self.name = f"pysandbox-attack-{secrets.token_hex(6)}"
        self.under = f"/proxy/{self.name}"
        self.session: dict[str, Any] = {}
        self.other_session: dict[str, Any] = {}
        self.no_proxy = ""
        self._counter = 0

    @property
    def honest(self) -> Shot:
        """A request as it should be."""
        return Shot(path=f"{self.under}/ask", plugin=self.keys.get(CALLER, ""))

    def nonce(self, shot: Shot, session: dict[str, Any] | None = None) -> str:
        """A nonce that was never used, for that request."""
        with_it = session or self.session
        bound = proxy_nonce.Bound(
            with_it["sessionId"], shot.plugin, shot.method, shot.path, shot.query, content_type=shot.content_type,
            headers=shot.headers, body=shot.body)
        self._counter += 1
        expires_at_ms = time.time_ns() // 1_000_000 + shot.life_ms
        return proxy_nonce.make(with_it["nonceSeed"], bound, counter=self._counter, expires_at_ms=expires_at_ms)

    def shoot(self, shot: Shot, session: dict[str, Any] | None = None) -> tuple[Answer, list[Arrived]]:
        """The answer, and what reached the API behind meanwhile."""
        nonce = self.nonce(shot.signed or shot, session) if shot.nonce is None else shot.nonce
        headers = [
            ("Authorization", f"Bearer {(session or self.session)['token']}"), ("Pysandbox-Plugin", shot.plugin),
            ("Pysandbox-Nonce", nonce), *shot.more]
        if shot.content_type:
            headers.append(("Content-Type", shot.content_type))
        if shot.headers:
            headers.append(("Pysandbox-Headers", shot.headers))
        before = len(self.upstream.arrived)
        where = shot.path + (f"?{shot.query}" if shot.query else "")
        answer = self.target.api.ask(shot.method, where, headers, shot.body or None)
        return answer, self.upstream.arrived[before:]

    def control(self) -> Half:
        """The honest request arrives."""
        answer, arrived = self.shoot(self.honest)
        return Half(
            answer.status == 200 and len(arrived) == 1, f"the same request as it should be: {answer.status}, "
            f"{len(arrived)} arrived")


@dataclass(frozen=True, slots=True)
class Move:
    """One attack on a gateway, and how it is made."""

    play: Play
    make: Callable[[Field], Seen]


@contextmanager
def prepared(target: Target, keys: dict[str, str], warn: Callable[[str], None]) -> Generator[Field]:
    """A field whose route leads to an API of ours, where the gateway can reach one. Raises `SandboxError`."""
    with Upstream() as upstream:
        field = Field(target, keys, upstream)
        field.session = target.api.json("POST", _SESSIONS, target.token)
        field.other_session = target.api.json("POST", _SESSIONS, target.token)
        field.no_proxy = _add_route(field)
        try:
            yield field
        finally:
            with undisturbed():
                _take_away(field, warn)


def _add_route(field: Field) -> str:
    if field.target.is_development:
        return "a server without a registry has no proxy"
    if not field.target.is_here:
        return "the deployment cannot reach an API on this machine"
    try:
        field.target.api.json("POST", _ROUTES, field.target.token, {
            "name": field.name, "routePattern": f"{field.under}/*", "authMethod": "none", "plugins": [CALLER],
            "upstream": {"baseUrl": field.upstream.origin + BASE, "allowAddresses": ["127.0.0.1/32"]},
            "rateLimit": {"requestsPerMinute": 6000, "burstSize": 1000},
            "responseTransform": {"maskFields": ["cardNumber"]}})
    except SandboxError as error:
        return f"no route could be added: {error.message}"
    return ""


def _take_away(field: Field, warn: Callable[[str], None]) -> None:
    target = field.target
    try:
        if not field.no_proxy:
            target.api.json("DELETE", f"{_ROUTES}/{field.name}", target.token)
        if not target.is_development:
            for session in (field.session, field.other_session):
                target.api.json("DELETE", f"{_SESSIONS}/current", session["token"])
    except SandboxError as error:
        warn(f"the route {field.name} may still be there ({error.message}): pysandbox route remove {field.name}")


def altered(field: Field, **changes: Any) -> Shot:
    """The honest request, with a nonce that was made for it, and then something else."""
    return replace(field.honest, **changes, signed=field.honest)
