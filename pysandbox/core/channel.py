"""One end of a plugin's port: seals what is sent, opens what is received, and keeps both sides' credit.

Both ends use this class, so a test joins two of them in memory. Credit: each side may send as many messages as the
other granted, and waits without it. A reply needs none: the call that asked for it carried it. Credit is given back in
batches, never faster than ``rate_per_s``, so that a peer that floods runs into the gate's count, which is kept in
JavaScript before a message is even read.

Must not know: JavaScript, ports, what a message means. Time and transport are passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Envelope, Opener, Sealer
from pysandbox.core.errors import Code, ProtocolViolation

REPLIES = frozenset({"result", "error", "loaded", "pong"})
ASKS = frozenset({"call", "load", "ping"})  # what a reply answers
MAX_WAITING = 1024  # messages that wait for credit; more is a fault of ours, told as RATE_LIMIT
MAX_CREDIT_TEXT = 6


class Wire(Protocol):
    """What a channel needs of the world."""

    def post(self, text: str, buffers: Sequence[bytes]) -> None: ...
    def grant(self, messages: int) -> None:
        """Let the gate of this end take ``messages`` more."""
        ...

    def now_ms(self) -> float: ...
    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...


class Channel:
    """``side`` is the direction this end sends in: ``host>plugin`` or ``plugin>host``."""

    def __init__(
        self, binding: Binding, side: str, wire: Wire, *, credit: int, max_chars: int, rate_per_s: int = 0,
    ) -> None:  # fmt: skip
        other = TO_HOST if side == TO_PLUGIN else TO_PLUGIN
        origins = {TO_PLUGIN: binding.origin, TO_HOST: "null"}
        self.binding = binding
        self.dropped = 0  # envelopes of another generation
        self._wire = wire
        self._sealer = Sealer(binding, side, origins[side])
        self._opener = Opener(binding, other, origins[other], max_chars=max_chars)
        self._max_chars = max_chars
        self._credit = self._window = credit
        self._waiting: deque[Callable[[], None]] = deque()
        self._owed = 0  # messages received whose credit is not yet given back
        self._rate_per_s = rate_per_s
        self._tokens = float(rate_per_s)
        self._refilled_ms = wire.now_ms()
        self._granting = False

    def send(
        self, kind: str, id: str, cid: str, payload: str = "null", *, method: str = "", deadline_ms: int = 0,
        memory: tuple[int, int] | None = None, buffers: Sequence[bytes] = (),
    ) -> None:  # fmt: skip
        """Send now, or when credit comes. Sealed only when it leaves, so order and numbers stay true."""
        if kind in REPLIES or kind == "credit":
            self._post(kind, id, cid, payload, method, deadline_ms, memory, buffers)
        elif self._credit > 0 and not self._waiting:
            self._credit -= 1
            self._post(kind, id, cid, payload, method, deadline_ms, memory, buffers)
        elif len(self._waiting) >= MAX_WAITING:
            raise ProtocolViolation("backlog", "too many messages wait for credit", Code.RATE_LIMIT)
        else:
            self._waiting.append(lambda: self._post(kind, id, cid, payload, method, deadline_ms, memory, buffers))

    def _post(
        self, kind: str, id: str, cid: str, payload: str, method: str, deadline_ms: int,
        memory: tuple[int, int] | None, buffers: Sequence[bytes],
    ) -> None:  # fmt: skip
        if kind in ASKS:
            self._wire.grant(1)
        text = self._sealer.seal(
            kind, id, cid, payload, method=method, deadline_ms=deadline_ms, memory=memory,
            buffers=[len(buffer) for buffer in buffers] if buffers else ())
        self._wire.post(text, buffers)

    def receive(self, text: str, sizes: Sequence[int] = ()) -> Envelope | None:
        """The next envelope for our side, or None where there is nothing to do. Raises ProtocolViolation."""
        envelope = self._opener.open(text, sizes)
        if envelope is None:
            self.dropped += 1
            return None
        if envelope.kind == "credit":
            self._wire.grant(1)
            self._take_credit(envelope.payload)
            return None
        if envelope.kind not in REPLIES:
            self._owed += 1
            if self._owed * 2 >= self._window:
                self._give_back()
        return envelope

    def _take_credit(self, payload: str) -> None:
        if not (payload.isascii() and payload.isdigit() and len(payload) <= MAX_CREDIT_TEXT):
            raise ProtocolViolation("credit")
        self._credit += int(payload)
        if self._credit > self._window:
            raise ProtocolViolation("credit")
        while self._waiting and self._credit > 0:
            self._credit -= 1
            self._waiting.popleft()()

    def _give_back(self) -> None:
        if self._granting:
            return
        if self._rate_per_s:
            now = self._wire.now_ms()
            refill = (now - self._refilled_ms) * self._rate_per_s / 1000
            self._tokens = min(float(self._rate_per_s), self._tokens + refill)
            self._refilled_ms = now
            missing = self._owed - self._tokens
            if missing > 0:
                self._granting = True
                self._wire.later(missing * 1000 / self._rate_per_s, self._give_back_later)
                return
            self._tokens -= self._owed
        owed, self._owed = self._owed, 0
        self._wire.grant(owed)
        self.send("credit", "", "", str(owed))

    def _give_back_later(self) -> None:
        self._granting = False
        if self._owed:
            self._give_back()
