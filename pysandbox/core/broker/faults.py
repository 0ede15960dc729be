"""A plugin's port on which things go wrong on purpose, for QA: late messages, lost ones, a plugin that falls silent.

A message is lost before it is sealed, or after it was opened: the numbers and nonces of what remains stay true, so what
is tried is the sandbox's clock and not its protocol checks. What starts and ends a worker is never lost.

Must not know: JavaScript, what a call is about.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence, Sized
from typing import Any

from pysandbox.core.channel import Channel, Wire
from pysandbox.core.chaos import Chaos
from pysandbox.core.envelope import Binding, Envelope

LOSABLE = frozenset({"call", "result", "error", "event", "progress", "log"})
LIFECYCLE = frozenset({"load", "pressure", "shutdown"})  # ids of questions that start and end a worker

Run = Callable[[], None]


class _Line:
    """Holds what goes one way, and lets it out in order."""

    def __init__(self, wire: Wire, latency_ms: tuple[int, int], numbers: random.Random) -> None:
        self._wire = wire
        self._latency_ms = latency_ms
        self._numbers = numbers
        self._held: deque[Run] = deque()
        self._last_ms = 0.0

    def hold(self, run: Run) -> None:
        low, high = self._latency_ms
        if high == 0:
            run()
            return
        now_ms = self._wire.now_ms()
        self._last_ms = max(self._last_ms, now_ms + self._numbers.uniform(low, high))
        self._held.append(run)
        self._wire.later(self._last_ms - now_ms, self._let_out)

    def _let_out(self) -> None:
        """The next one in line, whichever timer it is that ran: timers of one moment come in any order."""
        self._held.popleft()()


class FaultyChannel(Channel):
    """The host's end of a port, with faults. The n-th message of a kind fares the same in every run of one seed."""

    def __init__(self, chaos: Chaos, binding: Binding, side: str, wire: Wire, **limits: int) -> None:
        super().__init__(binding, side, wire, **limits)  # pyright: ignore[reportArgumentType]
        self._chaos = chaos
        self._streams: dict[str, random.Random] = {}
        self._out = _Line(wire, chaos.latency_ms, self._stream("out"))
        self._in = _Line(wire, chaos.latency_ms, self._stream("in"))
        self._silent = False

    def send(self, kind: str, id: str, cid: str, payload: str = "null", **more: Any) -> None:
        if kind == "call" and self._happens("hang", self._chaos.hang):
            self._silent = True
        if not self._is_lost("out", kind, id):
            self._out.hold(lambda: Channel.send(self, kind, id, cid, payload, **more))

    def arrived(self, run: Run) -> None:
        """Something came in at the port: ``run`` takes it, now or later."""
        self._in.hold(run)

    def receive(self, text: str, buffers: Sequence[Sized] = ()) -> Envelope | None:
        if self._silent:
            return None  # nor is credit given back, so an honest peer stops
        envelope = super().receive(text, buffers)
        return None if envelope is not None and self._is_lost("in", envelope.kind, envelope.id) else envelope

    def _is_lost(self, way: str, kind: str, id: str) -> bool:
        return kind in LOSABLE and id not in LIFECYCLE and self._happens(f"{way}/{kind}", self._chaos.drop)

    def _happens(self, name: str, probability: float) -> bool:
        return probability > 0 and self._stream(name).random() < probability

    def _stream(self, name: str) -> random.Random:
        if name not in self._streams:
            binding = self.binding
            seed = f"{self._chaos.seed}/{binding.plugin}/{binding.gen}/{name}"
            self._streams[name] = random.Random(seed)  # noqa: S311 - repeatable is the point; nothing secret
        return self._streams[name]
