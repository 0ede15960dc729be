"""One end of a plugin's port: seals what is sent, opens what is received, and keeps both sides' credit.

Both ends use this class, so a test joins two of them in memory. Credit: each side may send as many messages as the
other granted, and waits without it. A reply needs none: the call that asked for it carried it. Credit is given back in
batches, never faster than ``rate_per_s``, so that a peer that floods runs into the gate's count, which is kept in
JavaScript before a message is even read.

Must not know: JavaScript, ports, what a message means. Time and transport are passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Sized
from typing import Protocol

from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Envelope, Opener, Sealer
from pysandbox.core.errors import Code, ProtocolViolation

REPLIES = frozenset({"result", "error", "loaded", "pong", "bye"})
ASKS = frozenset({"call", "load", "ping", "pressure", "shutdown"})  # what a reply answers
MAX_WAITING = 1024  # messages that wait for credit; more is a fault of ours, told as RATE_LIMIT
MAX_CREDIT_TEXT = 6
BURST_MS = 1000  # credit that was not used is saved up for this long


class Wire(Protocol):
    """What a channel needs of the world."""

    def post(self, text: str, buffers: Sequence[Sized]) -> None: ...
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
        self._wire = wire
        self._sealer = Sealer(binding, side, origins[side])
        self._opener = Opener(binding, other, origins[other], max_chars=max_chars)
        self._credit = self._window = credit
        self._waiting: deque[Callable[[], None]] = deque()
        self._owed = 0  # messages received whose credit is not yet given back
        self._rate_per_s = rate_per_s
        self._paid_ms = wire.now_ms() - BURST_MS  # up to here the messages received are paid for, each 1/rate
        self._due = 0  # messages whose credit is on its way back

    @property
    def waiting(self) -> int:
        """Messages that wait for credit."""
        return len(self._waiting)

    def send(
        self, kind: str, id: str, cid: str, payload: str = "null", *, method: str = "", deadline_ms: int = 0,
        memory: tuple[int, int] | None = None, buffers: Sequence[Sized] = (),
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
        memory: tuple[int, int] | None, buffers: Sequence[Sized],
    ) -> None:  # fmt: skip
        if kind in ASKS:
            self._wire.grant(1)
        text = self._sealer.seal(
            kind, id, cid, payload, method=method, deadline_ms=deadline_ms, memory=memory,
            buffers=[len(buffer) for buffer in buffers] if buffers else ())
        self._wire.post(text, buffers)

    def receive(self, text: str, buffers: Sequence[Sized] = ()) -> Envelope | None:
        """The next envelope for our side, or None where there is nothing to do. Raises ProtocolViolation."""
        envelope = self._opener.open(text, buffers)
        if envelope is None:
            # The port is this generation's own, so no honest peer can have sent it.
            raise ProtocolViolation("generation", code=Code.NONCE_REJECTED)
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
        given = int(payload)
        # None given: a message that costs its sender nothing could be repeated for ever.
        if not 0 < given <= self._window - self._credit:
            raise ProtocolViolation("credit")
        self._credit += given
        while self._waiting and self._credit > 0:
            self._credit -= 1
            self._waiting.popleft()()

    def _give_back(self) -> None:
        if self._due:
            return
        self._due = self._owed
        if self._rate_per_s:
            now = self._wire.now_ms()
            self._paid_ms = max(self._paid_ms, now - BURST_MS) + self._due * 1000 / self._rate_per_s
            if self._paid_ms > now:
                self._wire.later(self._paid_ms - now, self._give_back_due)
                return
        self._give_back_due()

    def _give_back_due(self) -> None:
        due, self._due = self._due, 0
        self._owed -= due
        self._wire.grant(due)
        self.send("credit", "", "", str(due))
        if self._owed * 2 >= self._window:
            self._give_back()
