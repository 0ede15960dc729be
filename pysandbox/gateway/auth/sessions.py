"""Gateway sessions: opened with a platform token, then known by a token of their own, until they end.

The database holds the SHA-256 of each token, and the nonce seed sealed by the token itself: whoever reads the rows can
neither be a session nor make its nonces. Any replica finds any session. Must not know: HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import sqlalchemy as sa

from pysandbox.core.cache import BoundedCache
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import (
    EDIT_INTEGRATIONS,
    MANAGE_PLUGINS,
    OPEN_SESSIONS,
    GatewaySession,
    Principal,
)
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import sessions as table

PERMISSIONS_THAT_ARE_SCOPES: Final = frozenset({
    MANAGE_PLUGINS, EDIT_INTEGRATIONS, OPEN_SESSIONS, "architect:flow:write", "telephony:trunk:view"})
"""A plugin that asks for one of these gets it only for a user whose own token has it."""
ROTATED_MS: Final = 30_000
"""How long an old token is good beside the new one: requests on their way carry it."""
FRESH_MS: Final = 2_000
"""How old what a replica knows of a session may be: a revocation at another replica holds after that."""
_MAX_KNOWN: Final = 20_000
_KEY_BYTES: Final = 64
_TOUCHES_AN_IDLE_TIME: Final = 20  # a session's last use is written this often, not with each request
_TOKEN_BYTES: Final = 32
_COLUMNS: Final = (
    table.c.tenant, table.c.session_id, table.c.subject, table.c.grants, table.c.nonce_seed, table.c.used_at_ms,
    table.c.expires_at_ms, table.c.allowed_origins, table.c.created_at_ms)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, and its token: this is the only place where both are."""

    session: GatewaySession
    token: str = field(repr=False)
    now_ms: int  # when that was: the browser learns how far its own clock is off, and dates its nonces by ours

    def as_json(self, gateway_origin: str) -> dict[str, object]:
        session = self.session
        return {
            "sessionId": session.session_id, "token": self.token, "nonceSeed": session.nonce_seed,
            "tenant": session.tenant, "grants": sorted(session.grants),
            "allowedOrigins": list(session.allowed_origins), "expiresAt": session.expires_at_ms,
            "gatewayOrigin": gateway_origin, "now": self.now_ms}


def capped(permissions: Iterable[str], scopes: frozenset[str]) -> frozenset[str]:
    """``permissions`` less those that are scopes of the platform which the user's token lacks."""
    return frozenset(name for name in permissions if name in scopes or name not in PERMISSIONS_THAT_ARE_SCOPES)


class GatewaySessions:
    """A `SessionStore`. ``now_ms()``: epoch milliseconds; ``random_hex(n)``: n random bytes."""

    def __init__(
        self, database: Database, *, idle_ms: int, lifetime_ms: int, allowed_origins: Iterable[str],
        now_ms: Callable[[], int], random_hex: Callable[[int], str],
    ) -> None:
        self._database = database
        self._idle_ms = idle_ms
        self._lifetime_ms = lifetime_ms
        self._allowed_origins = tuple(allowed_origins)
        self._now_ms = now_ms
        self._random_hex = random_hex
        self._known: BoundedCache[GatewaySession] = BoundedCache(
            max_entries=_MAX_KNOWN, max_bytes=_MAX_KNOWN * _KEY_BYTES, clock=lambda: now_ms() / 1000,
            size_of=lambda _session: 0)

    async def open(self, principal: Principal, permissions: Iterable[str]) -> Opened:
        """A new session for ``principal``, with those of ``permissions`` that their scopes do not cap."""
        now = self._now_ms()
        opened = self._fresh(GatewaySession(
            session_id=self._random_hex(16), tenant=principal.tenant, subject=principal.subject,
            grants=capped(permissions, principal.scopes), nonce_seed="", expires_at_ms=now + self._lifetime_ms,
            allowed_origins=self._allowed_origins))
        async with self._database.begin() as connection:
            await connection.execute(table.insert().values(**self._row(opened, now)))
        return opened

    async def find(self, token: str) -> GatewaySession:
        digest = _digest(token)
        known = self._known.get(digest)
        if known is None:
            known = await self._read(token, digest)
            self._known.set(digest, known, ttl_s=FRESH_MS / 1000)
        if known.expires_at_ms <= self._now_ms():
            raise _ended()
        return known

    async def rotate(self, token: str) -> Opened:
        """The same session under a new token and nonce seed; the old ones are good for `ROTATED_MS` more.

        What is made of an old token ends when that ends, so two who hold it cannot both live on.
        """
        session = await self.find(token)
        now = self._now_ms()
        opened = self._fresh(session)
        old_end = min(session.expires_at_ms - 1, now + ROTATED_MS)
        async with self._database.begin() as connection:
            cut = await connection.execute(
                sa.update(table).values(expires_at_ms=old_end)
                .where(table.c.token_sha256 == _digest(token), table.c.expires_at_ms == session.expires_at_ms))
            if cut.rowcount != 1:  # another request was faster
                raise _ended("it was exchanged for a new token before")
            await connection.execute(table.insert().values(**self._row(opened, now)))
        self._known.delete(_digest(token))
        return opened

    async def revoke(self, token: str) -> GatewaySession:
        """End the session of ``token``, under every token that it had."""
        session = await self.find(token)
        await self._end(table.c.session_id == session.session_id, session.tenant)
        return session

    async def revoke_subject(self, tenant: str, subject: str) -> int:
        """End every session of a user. How many tokens that ended."""
        return await self._end(table.c.subject == subject, tenant)

    async def sweep(self) -> int:
        """Forget the rows of sessions that have ended. How many they were."""
        now = self._now_ms()
        async with self._database.begin() as connection:
            gone = await connection.execute(sa.delete(table).where(
                sa.or_(table.c.expires_at_ms <= now, table.c.used_at_ms <= now - self._idle_ms)))
        return gone.rowcount

    async def _end(self, which: sa.ColumnElement[bool], tenant: str) -> int:
        async with self._database.begin() as connection:
            gone = await connection.execute(sa.delete(table).where(table.c.tenant == tenant, which))
        self._known.clear()
        return gone.rowcount

    async def _read(self, token: str, digest: str) -> GatewaySession:
        now = self._now_ms()
        async with self._database.begin() as connection:
            found = (await connection.execute(
                sa.select(*_COLUMNS).where(table.c.token_sha256 == digest))).one_or_none()
            if found is None:
                raise _ended("it is unknown, or was revoked")
            if found.expires_at_ms <= now or found.used_at_ms + self._idle_ms <= now:
                raise _ended()
            if now - found.used_at_ms >= self._idle_ms // _TOUCHES_AN_IDLE_TIME:
                await connection.execute(
                    sa.update(table).values(used_at_ms=now).where(table.c.token_sha256 == digest))
        return GatewaySession(
            session_id=found.session_id, tenant=found.tenant, subject=found.subject,
            grants=frozenset(json.loads(found.grants)), nonce_seed=_sealed(found.nonce_seed, token),
            expires_at_ms=found.expires_at_ms, allowed_origins=tuple(json.loads(found.allowed_origins)))

    def _fresh(self, session: GatewaySession) -> Opened:
        """``session`` under a new token and seed."""
        return Opened(replace(session, nonce_seed=self._random_hex(32)), self._random_hex(_TOKEN_BYTES), self._now_ms())

    def _row(self, opened: Opened, now_ms: int) -> dict[str, object]:
        session = opened.session
        return {
            "token_sha256": _digest(opened.token), "tenant": session.tenant, "session_id": session.session_id,
            "subject": session.subject, "grants": json.dumps(sorted(session.grants)),
            "nonce_seed": _sealed(session.nonce_seed, opened.token), "created_at_ms": now_ms, "used_at_ms": now_ms,
            "allowed_origins": json.dumps(session.allowed_origins), "expires_at_ms": session.expires_at_ms}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _sealed(seed_hex: str, token: str) -> str:
    """The seed under a one-time pad that only the token's bearer can make; the same again opens it."""
    pad = hmac.digest(token.encode(errors="surrogatepass"), b"pysandbox nonce seed", "sha256")
    return bytes(a ^ b for a, b in zip(bytes.fromhex(seed_hex), pad, strict=True)).hex()


def _ended(why: str = "it has expired") -> SandboxError:
    return SandboxError(Code.SESSION_INVALID, f"the session's token was refused: {why}")
