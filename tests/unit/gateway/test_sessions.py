"""A development session needs the secret of the terminal, ends, and exists on loopback alone."""

from __future__ import annotations

from itertools import count

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.sessions import DevSessions, require_loopback


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


def _sessions(clock: Clock) -> DevSessions:
    numbers = count()
    return DevSessions(
        token="the-secret", allowed_origins=["http://127.0.0.1:1"], now_ms=clock,
        random_hex=lambda size: f"{next(numbers):0{size * 2}x}", lifetime_ms=5000)


def test_the_bearer_of_the_token_gets_a_session() -> None:
    session = _sessions(Clock()).open("the-secret", ["a:b:c"])
    assert session.as_json() == {
        "sessionId": "0" * 32, "nonceSeed": "0" * 63 + "1", "grants": ["a:b:c"], "expiresAt": 1_005_000,
        "allowedOrigins": ["http://127.0.0.1:1"]}


def test_two_sessions_share_neither_id_nor_seed() -> None:
    sessions = _sessions(Clock())
    one, other = sessions.open("the-secret", []), sessions.open("the-secret", [])
    assert one.session_id != other.session_id
    assert one.nonce_seed != other.nonce_seed


@pytest.mark.parametrize("token", ["", "the-secre", "the-secret ", "the-secrets", "THE-SECRET", "é", "\udc80"])
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(SandboxError) as caught:
        _sessions(Clock()).open(token, [])
    assert caught.value.code == Code.SESSION_INVALID


def test_the_token_ends_with_its_lifetime() -> None:
    clock = Clock()
    sessions = _sessions(clock)
    clock.now_ms += 4999
    sessions.check("the-secret")
    clock.now_ms += 1
    with pytest.raises(SandboxError, match="expired"):
        sessions.check("the-secret")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3"])
def test_loopback_is_allowed(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.4", "localhost", "", "127.1", "2130706433", "example.com", "::"])
def test_every_other_address_is_refused(host: str) -> None:
    with pytest.raises(SandboxError, match="this machine alone"):
        require_loopback(host)
