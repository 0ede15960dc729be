"""Access tokens by client credentials (RFC 6749 section 4.4): fetched once for all who wait, renewed before they end.

A token is renewed at the smaller of 80 % of its life and the route's ``tokenRefreshIntervalSeconds``, less a random
tenth, beside the requests that still use it; nobody waits unless there is none. When an upstream answers 401 the token
may have been revoked: one new one is fetched for each secret and interval, however many requests are refused. A token
endpoint that fails is left alone for a second.

Must not know: how an HTTP request is made (``post`` is passed in), clocks and randomness.
"""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, cast
from urllib.parse import quote_plus, urlencode

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.gateway.vault.secret import Secret

MAX_TOKEN_BYTES: Final = 65_536
"""Of a token endpoint's answer."""
_LIFE_S: Final = 300.0  # of a token whose endpoint does not say
_LONGEST_LIFE_S: Final = 86_400.0
_REST_S: Final = 1.0
_MARGIN_S: Final = 5.0  # a token is not used so shortly before its end: it has to arrive
_MAX_KEPT: Final = 4096

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""``(url, headers, body)`` to status and body, `MAX_TOKEN_BYTES` at most. Raises `SandboxError`."""


@dataclass(slots=True)
class _Held:
    """What is known of one secret's token. Times in seconds of the clock."""

    token: str | None = field(default=None, repr=False)
    renew_at_s: float = -inf
    ends_at_s: float = -inf
    forced_at_s: float = -inf
    rests_until_s: float = -inf
    fetching: asyncio.Task[None] | None = None


class Tokens:
    """``clock()``: seconds that never go back; ``jitter()``: from 0 to 1."""

    def __init__(self, *, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._held: OrderedDict[tuple[str, ...], _Held] = OrderedDict()

    async def get(self, key: tuple[str, ...], secret: Secret, post: Post, *, interval_s: float) -> str:
        """A token for ``secret``. ``key`` names what it is for (tenant, reference); with other values in the secret it
        is another token. Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE`` or what ``post`` raises."""
        held = self._of(key, secret)
        now = self._clock()
        usable = held.token is not None and now < held.ends_at_s - _MARGIN_S
        if usable and now < held.renew_at_s:
            assert held.token is not None
            return held.token
        if now < held.rests_until_s:
            if usable and held.token is not None:
                return held.token
            raise SandboxError(Code.CREDENTIALS_UNAVAILABLE, "the token endpoint has just failed, and is left to rest")
        fetching = self._fetch(held, secret, post, interval_s)
        if not usable:
            await asyncio.shield(fetching)
        assert held.token is not None
        return held.token

    def refused(self, key: tuple[str, ...], secret: Secret, token: str, *, interval_s: float) -> bool:
        """An upstream answered 401 to ``token``. Whether trying again with what `get` gives now is worth it."""
        held = self._of(key, secret)
        if held.token != token:
            return True  # another request has seen to it
        now = self._clock()
        if now - held.forced_at_s < interval_s:
            return False
        held.forced_at_s = now
        held.token = None
        return True

    def _of(self, key: tuple[str, ...], secret: Secret) -> _Held:
        full = (*key, secret.digest)
        held = self._held.setdefault(full, _Held())
        self._held.move_to_end(full)
        if len(self._held) > _MAX_KEPT:
            self._held.popitem(last=False)
        return held

    def _fetch(self, held: _Held, secret: Secret, post: Post, interval_s: float) -> asyncio.Task[None]:
        if held.fetching is None:
            held.fetching = asyncio.get_running_loop().create_task(self._fetched(held, secret, post, interval_s))
            held.fetching.add_done_callback(lambda done: _settle(held, done))
        return held.fetching

    async def _fetched(self, held: _Held, secret: Secret, post: Post, interval_s: float) -> None:
        try:
            token, life_s = await _ask(secret, post)
        except SandboxError:
            held.rests_until_s = self._clock() + _REST_S
            raise
        now = self._clock()
        held.token = token
        held.ends_at_s = now + life_s
        held.renew_at_s = now + min(0.8 * life_s, interval_s) * (1 - 0.1 * self._jitter())


def _settle(held: _Held, task: asyncio.Task[None]) -> None:
    held.fetching = None
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, SandboxError):
        raise error  # ours, so asyncio's handler reports it; a coded one was told to whoever waits, and comes again


async def _ask(secret: Secret, post: Post) -> tuple[str, float]:
    """Token and life in seconds, from the secret's token endpoint."""
    client, password, url = secret.require("clientId", "clientSecret", "tokenUrl")
    basic = base64.b64encode(f"{quote_plus(client)}:{quote_plus(password)}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    if scope := secret.values.get("scope"):
        form["scope"] = scope
    status, body = await post(url, {
        "Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json"}, urlencode(form).encode())
    if status != 200:
        raise SandboxError(Code.CREDENTIALS_UNAVAILABLE, f"the token endpoint answered {status}")
    return _read_token(body)


def _read_token(body: bytes) -> tuple[str, float]:
    try:
        told = strict_json.loads(body.decode(), max_chars=MAX_TOKEN_BYTES)
    except (UnicodeDecodeError, ProtocolViolation):
        told = None
    answer: dict[str, object] = cast(dict[str, object], told) if isinstance(told, dict) else {}
    token, kind = answer.get("access_token"), answer.get("token_type")
    if not (isinstance(token, str) and token and token.isascii() and token.isprintable() and " " not in token):
        raise SandboxError(Code.CREDENTIALS_UNAVAILABLE, "the token endpoint's answer holds no access_token")
    if not (isinstance(kind, str) and kind.lower() == "bearer"):
        raise SandboxError(Code.CREDENTIALS_UNAVAILABLE, "the token endpoint's answer is no bearer token")
    return token, _life_s(answer.get("expires_in"))


def _life_s(told: object) -> float:
    if isinstance(told, str) and told.isascii() and told.isdigit():  # some servers quote it
        told = int(told[:10])
    if isinstance(told, bool) or not isinstance(told, int | float) or told <= 0:
        return _LIFE_S
    return min(float(told), _LONGEST_LIFE_S)
