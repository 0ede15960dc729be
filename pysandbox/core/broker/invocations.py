"""The invocations of one plugin: those that wait for its worker, those in it, and how each comes to its one outcome.

Must not know: the plugin's lifecycle, JavaScript. Whatever happens, what was added leaves by `_finish`, once.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Protocol

from pysandbox.core import strict_json
from pysandbox.core.broker.plugin_words import error_and_layer
from pysandbox.core.broker.slot import Slot
from pysandbox.core.broker.world import World
from pysandbox.core.envelope import Envelope
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError, Status
from pysandbox.core.outcome import Memory, Outcome, failure
from pysandbox.core.pending import PendingCalls

_BUDGETS = {"json-too-deep": "messageDepth", "json-too-many-keys": "keysPerObject"}


@dataclass(slots=True)
class Invocation:
    """One call of a handler. Times are the host's own milliseconds; `slot` is None while it waits for a worker."""

    page_id: str
    cid: str
    method: str
    payload: str
    deadline_ms: int
    started_ms: float
    buffers: Sequence[Sized] = ()  # the payload's bytes
    id: str = ""
    slot: Slot | None = None
    aborted: bool = False
    calls: int = 0  # guarded calls so far
    proxied: int = 0  # requests through the gateway that were answered, and how long they took in all
    network_ms: float = 0.0

    @property
    def ends_ms(self) -> float:
        return self.started_ms + self.deadline_ms


class Runner(Protocol):
    """Whose invocations they are; see `LivePlugin`."""

    generation: int

    @property
    def memory(self) -> Memory: ...
    def limit(self, name: str) -> int: ...
    def hit(self, name: str) -> None: ...
    def within(self, value: object, buffers: Sequence[Sized]) -> None:
        """Raises ProtocolViolation for bytes that a worker must not send."""
        ...

    def abort_reason(self) -> SandboxError: ...
    def remember(self, envelope: Envelope) -> None:
        """Keep the memory figures that came with a reply."""
        ...

    def finish(self, invocation: Invocation, outcome: Outcome) -> None: ...


class Invocations:
    """``busy`` is how many are in the worker."""

    def __init__(self, runner: Runner, world: World) -> None:
        self._runner = runner
        self._world = world
        self._open: PendingCalls[Invocation] = PendingCalls()
        self._waiting: list[Invocation] = []
        self.busy = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def any_waits(self) -> bool:
        return bool(self._waiting)

    def in_grace(self, now_ms: float) -> bool:
        """Whether one in the worker was aborted, or is past its deadline, and has its grace.

        Should it not end in it, its worker ends, and would take along what is sent there now.
        """
        return self.busy > 0 and any(
            running.slot is not None and (running.aborted or now_ms >= running.ends_ms)
            for _, running in self._open.items())

    def peek(self, id: object) -> Invocation | None:
        """The one of this id, if it has no outcome yet."""
        return self._open.peek(id) if isinstance(id, str) else None

    def add(self, invocation: Invocation) -> None:
        invocation.id = self._open.open(invocation)

    def wait(self, invocation: Invocation) -> None:
        """Until `take_waiting`. No worker has it, so a deadline that passes meanwhile costs the plugin none."""
        self._waiting.append(invocation)
        hard_ms = invocation.deadline_ms + self._runner.limit("graceMs")
        self._world.later(hard_ms, lambda: self._give_up(invocation))

    def take_waiting(self) -> list[Invocation]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _give_up(self, invocation: Invocation) -> None:
        if invocation in self._waiting:
            self._leave_queue(invocation, SandboxError(Code.PLUGIN_TIMEOUT), layer="hard")

    def _leave_queue(self, invocation: Invocation, error: SandboxError, *, layer: str = "") -> None:
        self._waiting.remove(invocation)
        self._open.discard(invocation.id)
        self.end(invocation, error, layer=layer)

    def dispatch(self, invocation: Invocation, slot: Slot) -> None:
        """Into the worker; the watchdog is armed before."""
        left = max(1, int(invocation.deadline_ms - (self._world.now_ms() - invocation.started_ms)))
        invocation.slot = slot
        self.busy += 1
        self._world.arm(slot.number, invocation.id, left + self._runner.limit("graceMs"))
        slot.channel.send("call", invocation.id, invocation.cid, invocation.payload, method=invocation.method,
                          deadline_ms=left, buffers=invocation.buffers)  # fmt: skip
        invocation.buffers = ()

    def settle(self, slot: Slot, envelope: Envelope) -> Invocation:
        """The worker's answer: the invocation it belongs to has its outcome. Raises ProtocolViolation."""
        invocation = self._open.peek(envelope.id)
        if invocation is None or invocation.slot is not slot:
            raise ProtocolViolation("unknown-id")
        error, layer = None, ""
        if envelope.kind == "error":
            error, layer = error_and_layer(envelope.payload)
        else:
            error = self._fault_of(envelope)
        self._open.settle(envelope.id)
        self._world.disarm(slot.number, invocation.id)
        self.busy -= 1
        self._runner.remember(envelope)
        if invocation.aborted and (error is None or error.code is not Code.PLUGIN_TIMEOUT):
            self.end(invocation, self._runner.abort_reason())
        elif error is None:
            self._runner.finish(invocation, Outcome(
                Status.OK, value=envelope.payload, buffers=envelope.buffers, correlation_id=invocation.cid,
                duration_ms=self._world.now_ms() - invocation.started_ms, memory=self._runner.memory,
                generation=self._runner.generation))  # fmt: skip
        elif error.code is Code.PLUGIN_ABORTED:
            self.end(invocation, SandboxError(Code.PLUGIN_ERROR, error.message))  # only the caller aborts
        else:
            self.end(invocation, error, layer=layer)
        return invocation

    def _fault_of(self, result: Envelope) -> SandboxError | None:
        """Why the page does not get this result. Raises ProtocolViolation for what no honest worker sends."""
        limit, met = self._runner.limit, ""
        try:
            value = strict_json.loads(
                result.payload, max_chars=limit("messageChars"), max_depth=limit("messageDepth"),
                max_keys=limit("keysPerObject"))
            self._runner.within(value, result.buffers)
        except ProtocolViolation as fault:
            met = _BUDGETS.get(fault.rule, "")
            if not met:
                raise
        if not met and len(result.payload) > limit("resultChars"):
            met = "resultChars"
        if not met:
            return None
        self._runner.hit(met)
        return SandboxError(Code.MESSAGE_LIMIT, f"the handler's result goes beyond isolation.limits.{met}")

    def overdue(self, slot: Slot, now_ms: float) -> str | None:
        """One that is in ``slot`` past its hard limit, though the watchdog's word may still be on its way."""
        if self.busy:
            for id, running in self._open.items():
                hard_ms = running.started_ms + running.deadline_ms + self._runner.limit("graceMs")
                if running.slot is slot and now_ms > hard_ms:
                    return id
        return None

    def abort(self, page_id: str) -> None:
        """The caller gave up: the plugin hears of it, and has the grace to end."""
        for invocation in self._not_aborted():
            if invocation.page_id == page_id:
                self._abort(invocation)

    def abort_all(self) -> None:
        for invocation in self._not_aborted():
            self._abort(invocation)

    def _not_aborted(self) -> list[Invocation]:
        return [invocation for _, invocation in self._open.items() if not invocation.aborted]

    def _abort(self, invocation: Invocation) -> None:
        invocation.aborted = True
        if invocation in self._waiting:
            self._leave_queue(invocation, self._runner.abort_reason())
        elif invocation.slot is not None:
            left = invocation.started_ms + invocation.deadline_ms - self._world.now_ms()
            self._world.arm(invocation.slot.number, invocation.id, self._runner.limit("graceMs") + min(0, left))
            invocation.slot.channel.send("abort", invocation.id, invocation.cid, '"abort"')

    def worker_died(self, overdue: str, others: SandboxError, *, keep_waiting: bool) -> None:
        """``overdue`` timed out, the others in the worker end with ``others``, and so do those who wait for it.

        ``keep_waiting``: these wait for the worker after it.
        """
        self.busy = 0
        if not keep_waiting:
            self._waiting.clear()
        for id, invocation in self._open.items():
            if invocation in self._waiting:
                continue
            self._open.discard(id)
            if id == overdue and not invocation.aborted:
                self.end(invocation, SandboxError(Code.PLUGIN_TIMEOUT), layer="hard")
            elif invocation.aborted:
                self.end(invocation, self._runner.abort_reason(), layer="hard")
            else:
                self.end(invocation, others)

    def end_waiting(self, error: SandboxError) -> None:
        """There is no worker to wait for."""
        for invocation in list(self._waiting):
            self._leave_queue(invocation, error)

    def end_all(self, error: SandboxError) -> None:
        self.busy = 0
        self._waiting.clear()
        for _, invocation in self._open.drain():
            self.end(invocation, error)

    def end(self, invocation: Invocation, error: SandboxError, *, layer: str = "") -> None:
        """Its outcome is a failure; one that was never added may end so, too."""
        self._runner.finish(invocation, failure(
            error, layer=layer, correlation_id=invocation.cid,
            duration_ms=self._world.now_ms() - invocation.started_ms, memory=self._runner.memory,
            generation=self._runner.generation))  # fmt: skip
