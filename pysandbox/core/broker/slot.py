"""The host's end of one worker's port: a channel of one generation, and the count of what it did wrong.

Must not know: what envelopes mean. A slot that was closed hears nothing any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence, Sized
from typing import Protocol

from pysandbox.core.broker.faults import FaultyChannel
from pysandbox.core.broker.world import World
from pysandbox.core.channel import Channel
from pysandbox.core.chaos import Chaos
from pysandbox.core.envelope import TO_PLUGIN, Binding, Envelope
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.gate import ENVELOPE_FACTOR
from pysandbox.core.limits import default

GATE_CODES = {
    "overdraft": Code.RATE_LIMIT,
    **dict.fromkeys(("too-long", "too-deep", "too-many-buffers", "too-many-bytes"), Code.MESSAGE_LIMIT)}
DEAD = "dead"  # what a worker's JavaScript posts when its interpreter has died; it harms nobody but itself


class Listener(Protocol):
    """Who hears of the port; see `LivePlugin`."""

    def on_envelope(self, slot: Slot, envelope: Envelope) -> None: ...
    def measured(self, slot: Slot, js_bytes: int) -> None: ...
    def violated(self, slot: Slot, violation: ProtocolViolation, evidence: str) -> None: ...
    def killed(self, slot: Slot, overdue: str, others: SandboxError) -> None: ...
    def expired(self, slot_number: int, invocation_id: str) -> None: ...


class Slot:
    """``number`` names the cell; `receive` and `gate_refused` are what the worker's JavaScript calls.

    ``limit(name)``: the plugin's budgets. ``chaos``: what goes wrong at this port on purpose, for QA.
    """

    def __init__(
        self, number: int, binding: Binding, world: World, listener: Listener, *,
        limit: Callable[[str], int] = default, chaos: Chaos | None = None,
    ) -> None:  # fmt: skip
        self.number = number
        self.closed = False
        self.violations = 0
        self._world = world
        self.listener = listener
        limits = {
            "credit": binding.credit, "max_chars": limit("messageChars") * ENVELOPE_FACTOR,
            "rate_per_s": limit("messagesPerSecond")}
        self._faulty = FaultyChannel(chaos, binding, TO_PLUGIN, self, **limits) if chaos else None
        self.channel = self._faulty or Channel(binding, TO_PLUGIN, self, **limits)

    # --- the channel's wire ---
    def post(self, text: str, buffers: Sequence[Sized]) -> None:
        if not self.closed:
            self._world.to_plugin(self.number, text, buffers)

    def grant(self, messages: int) -> None:
        if not self.closed:
            self._world.grant(self.number, messages)

    def now_ms(self) -> float:
        return self._world.now_ms()

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self._world.later(delay_ms, run)

    # --- what arrives ---
    def receive(self, text: str, buffers: Sequence[Sized] = ()) -> None:
        """One message that passed the gate. Any exception while it is read is a violation."""
        if self._faulty is None:
            self._take(text, buffers)
        else:
            self._faulty.arrived(lambda: self._take(text, buffers))

    def _take(self, text: str, buffers: Sequence[Sized]) -> None:
        if self.closed:
            return
        if text == DEAD:
            self.listener.killed(self, "", SandboxError(Code.PLUGIN_KILLED, "the plugin's interpreter died"))
            return
        try:
            envelope = self.channel.receive(text, buffers)
            if envelope is not None:
                self.listener.on_envelope(self, envelope)
        except ProtocolViolation as violation:
            self._violation(violation, text)
        except Exception as error:  # noqa: BLE001 - whatever an attacker's text makes us raise is the attacker's fault
            self._violation(ProtocolViolation(f"unreadable-{type(error).__name__}"), text)

    def gate_refused(self, rule: str, fatal: bool) -> None:
        """The gate's own refusal, before anything was read; ``fatal`` ones end the worker at once."""
        if self.closed:
            return
        if fatal:
            self.violations = default("violationBudget")
        self._violation(ProtocolViolation(rule, code=GATE_CODES.get(rule, Code.PROTOCOL_VIOLATION)), "")

    def _violation(self, violation: ProtocolViolation, text: str) -> None:
        self.violations += 1
        evidence = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""
        self.listener.violated(self, violation, evidence)
