"""Whom a request comes from, as the rest of the gateway sees it.

Two kinds of bearer: the platform's own token, for administration and for the exchange (`Principal`), and the opaque
token of a session that was opened with it, for everything a page does (`GatewaySession`). Must not know: how either is
checked or kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.requests import Request

from pysandbox.core.errors import Code, SandboxError

MANAGE_PLUGINS: Final = "application:plugin:manage"
EDIT_INTEGRATIONS: Final = "integration:edit"
OPEN_SESSIONS: Final = "webchat:session:read"
MANAGE_SESSIONS: Final = "webchat:session:manage"
READ_METRICS: Final = "telemetry:metrics:read"
READ_TELEMETRY: Final = "telemetry:records:read"
ERASE_TELEMETRY: Final = "telemetry:records:erase"
READ_OWN_LOG: Final = "plugin:log:read"
READ_AUDIT: Final = "telemetry:audit:read"
WRITE_FLOWS: Final = "architect:flow:write"
RUN_FLOWS: Final = "architect:flow:run"
SCOPES: Final = frozenset({
    MANAGE_PLUGINS, EDIT_INTEGRATIONS, OPEN_SESSIONS, MANAGE_SESSIONS, READ_METRICS, READ_TELEMETRY, ERASE_TELEMETRY,
    READ_OWN_LOG, READ_AUDIT, WRITE_FLOWS, RUN_FLOWS})
"""Everything that a platform token can open here."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a platform token: the user, the tenant whose rows they see, and what they may do there."""

    subject: str
    tenant: str
    scopes: frozenset[str]
    expires_at_ms: int

    def require(self, scope: str) -> None:
        """Raises `SandboxError` ``PERMISSION_DENIED`` (403) unless the token has ``scope``."""
        if scope not in self.scopes:
            raise SandboxError(Code.PERMISSION_DENIED, f"this needs a token with the scope {scope}")


class Authenticator(Protocol):
    """Checks the platform token of a request."""

    async def principal(self, request: Request) -> Principal:
        """Raises `SandboxError` ``SESSION_INVALID`` for a request without a good token."""
        ...


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """What the bearer of a session token may do. ``nonce_seed``: 64 hexadecimal digits, known to the host worker."""

    session_id: str
    tenant: str
    subject: str
    grants: frozenset[str]
    nonce_seed: str = field(repr=False)
    expires_at_ms: int
    allowed_origins: tuple[str, ...] = ()


class SessionStore(Protocol):
    """Finds the session of a token."""

    async def find(self, token: str) -> GatewaySession:
        """Raises `SandboxError` ``SESSION_INVALID`` for a token that is unknown, revoked, or past its time."""
        ...
