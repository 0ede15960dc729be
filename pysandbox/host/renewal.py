"""Keeps the session alive while the page is open, by a fresh token and seed before the old ones end; and ends it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from pysandbox.core.errors import Code, SandboxError
from pysandbox.host.gateway_client import GatewayClient, Session
from pysandbox.host.world import World

SHARE: Final = 0.6  # of what is left to a session when it is renewed; the rest is for attempts that fail
AGAIN_MS: Final = 10_000
AT_MOST_MS: Final = 24 * 3600 * 1000.0  # a browser's longest timer is not much longer than that


class Renewal:
    """``renewed`` takes each new session up, and says whether the page is still open."""

    def __init__(self, world: World, gateway: GatewayClient, renewed: Callable[[Session], bool]) -> None:
        self._world = world
        self._gateway = gateway
        self._renewed = renewed

    def after(self, session: Session) -> None:
        """Renew this session in good time. A development session has nothing to renew."""
        if session.renewable:
            left_ms = session.expires_at_ms - session.ahead_ms - self._world.epoch_ms()
            self._again(session, min(max(left_ms * SHARE, 1000.0), AT_MOST_MS))

    def _again(self, session: Session, after_ms: float) -> None:
        self._world.later(after_ms, lambda: self._world.begin(self._renew(session)))

    async def _renew(self, session: Session) -> None:
        if not self._renewed(session):
            return
        try:
            fresh = await self._gateway.renew_session()
        except SandboxError as error:
            if error.code is not Code.SESSION_INVALID:  # else it was revoked, or is over: calls say so from now on
                self._again(session, AGAIN_MS)
            return
        if self._renewed(fresh):
            self.after(fresh)
        else:  # the page closed it in the meantime, under the token that was
            await end(self._world, self._gateway, fresh)


async def end(world: World, gateway: GatewayClient, session: Session) -> None:
    """The page is done with it, so nobody who finds its token can use it. A development session has no end."""
    if session.renewable:
        with contextlib.suppress(SandboxError):  # the gateway is away, and ends what is idle by itself
            await gateway.end_session()
        world.leave_behind("")
