"""One loaded plugin on the host's side: its worker's generations, its invocations, and what it may ask for.

Must not know: JavaScript, how the page or the gateway are reached. Every invocation that enters here leaves with
exactly one outcome, whatever the plugin does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from pysandbox.core import strict_json
from pysandbox.core.envelope import CID, METHOD, Binding, Envelope
from pysandbox.core.errors import Code, PermissionDenied, ProtocolViolation, SandboxError, Status
from pysandbox.core.limits import default
from pysandbox.core.outcome import Memory, Outcome, coded, failure
from pysandbox.core.pending import PendingCalls
from pysandbox.host.gateway_client import Registered
from pysandbox.host.slot import Slot
from pysandbox.host.world import World

# What a plugin may say of its own failure; any other code of its is told as PLUGIN_ERROR.
OWN_FAILURES = frozenset({
    Code.PLUGIN_ERROR, Code.HANDLER_NOT_FOUND, Code.RESULT_NOT_JSON, Code.MEMORY_LIMIT, Code.MESSAGE_LIMIT,
    Code.PERMISSION_DENIED, Code.CAPABILITY_FAILED, Code.ROUTE_NOT_FOUND, Code.PLUGIN_IMPORT_FAILED,
    Code.PLUGIN_TIMEOUT, Code.PLUGIN_ABORTED, Code.RATE_LIMIT, Code.BUNDLE_INVALID, Code.BUNDLE_TAMPERED,
    Code.INPUT_INVALID,
})  # fmt: skip


@dataclass(slots=True)
class Invocation:
    """One call of a handler, from the page's message to its one outcome."""

    page_id: str
    cid: str
    method: str
    payload: str
    deadline_ms: int
    started_ms: float
    id: str = ""
    slot: Slot | None = None  # where it was dispatched
    aborted: bool = False
    calls: int = 0  # guarded calls so far


class Owner(Protocol):
    """What a plugin asks of its session; see `HostSession`."""

    world: World
    page_context: Mapping[str, str]

    def report(self, kind: str, plugin: LivePlugin, cid: str, payload: str) -> None: ...
    def alert(self, plugin: LivePlugin, code: Code, rule: str, evidence: str) -> None: ...
    def ask_page(self, plugin: LivePlugin, id: str, permission: str, args: str, cid: str) -> None: ...
    def granted(self, plugin: LivePlugin) -> tuple[str, ...]: ...
    def finish(self, invocation: Invocation, outcome: Outcome) -> None: ...
    def new_slot(self) -> int: ...
    def slot_opened(self, slot: Slot) -> None: ...
    def slot_ended(self, slot: Slot) -> None: ...
    def why_denied(self, plugin: LivePlugin, permission: str) -> str | None: ...
    sid: str
    origin: str


@dataclass(slots=True)
class _Asked:
    """A guarded call of the plugin that waits for the page."""

    id: str  # the plugin's own id for it
    cid: str
    slot: Slot


@dataclass
class LivePlugin:
    """``state``: booting (its worker), loading (the plugin in it), ready, failed or unloaded."""

    owner: Owner
    handle: str
    registered: Registered
    state: str = "booting"
    generation: int = 0
    kills_in_a_row: int = 0
    revoked: set[str] = field(default_factory=set[str])
    handlers: Sequence[str] = ()
    on_loaded: Callable[[SandboxError | None], None] | None = None

    def __post_init__(self) -> None:
        self.manifest = self.registered.manifest
        self._world = self.owner.world
        self._slot: Slot | None = None
        self._running: PendingCalls[Invocation] = PendingCalls()
        self._queued: list[Invocation] = []
        self._asked: PendingCalls[_Asked] = PendingCalls(f"{self.handle}c")
        self._peak = 0
        self._used = 0

    # --- its worker ---
    def start(self) -> None:
        """Take a cell and bind a port of a new generation to it; the plugin is loaded as soon as it answers."""
        self.generation += 1
        self.state = "booting"
        binding = Binding(
            self.manifest.plugin_id, self.owner.sid, self.generation,
            bytes.fromhex(self._world.random_hex(16)), self.owner.origin)
        number = self.owner.new_slot()
        slot = Slot(number, binding, self._world, self)
        self._slot = slot
        self.owner.slot_opened(slot)
        self._world.open_cell(number, self.manifest.memory_limit_mb, self.registered.needs_library, binding)
        self._world.arm(number, "load", self._limit("bootMs"))

    def _limit(self, name: str) -> int:
        return self.manifest.limits.get(name, default(name))

    def on_envelope(self, slot: Slot, envelope: Envelope) -> None:
        """A checked envelope of the current generation. Raises ProtocolViolation."""
        match envelope.kind:
            case "result" | "error":
                self._settle(envelope)
            case "call":
                self._guarded_call(slot, envelope)
            case "abort":
                self._withdraw(envelope.id)
            case "event" | "progress" | "log":
                strict_json.loads(envelope.payload, max_chars=self._limit("messageChars"))
                self.owner.report(envelope.kind, self, envelope.cid, envelope.payload)
            case "ready" if self.state == "booting":
                self._send_load(slot)
            case "loaded" if self.state == "loading" and envelope.id == "load":
                self._loaded(slot, envelope)
            case _:
                raise ProtocolViolation("kind")

    def _send_load(self, slot: Slot) -> None:
        job = strict_json.dumps({
            "pluginId": self.manifest.plugin_id, "entry": self.manifest.entry,
            "context": dict(self.owner.page_context), "permissions": list(self.owner.granted(self)),
            "limits": dict(self.manifest.limits),
        })  # fmt: skip
        self.state = "loading"
        self._world.arm(slot.number, "load", self._limit("onLoadMs") + self._limit("graceMs"))
        slot.channel.send("load", "load", "", job, deadline_ms=self._limit("onLoadMs"),
                          buffers=[self.registered.bundle])  # fmt: skip

    def _loaded(self, slot: Slot, envelope: Envelope) -> None:
        told = strict_json.loads(envelope.payload, max_chars=64 * 1024)
        names = cast(dict[str, Any], told).get("handlers") if isinstance(told, dict) else None
        if not isinstance(names, list) or not all(
                isinstance(name, str) and METHOD.fullmatch(name) for name in cast(list[object], names)):
            raise ProtocolViolation("handlers")
        self._world.disarm(slot.number, "load")
        self.handlers = tuple(cast(list[str], names))
        self.state = "ready"
        self._remember(envelope)
        self._tell_loaded(None)
        queued, self._queued = self._queued, []
        for invocation in queued:
            self._dispatch(invocation)

    def _tell_loaded(self, error: SandboxError | None) -> None:
        told, self.on_loaded = self.on_loaded, None
        if told is not None:
            told(error)

    # --- invocations ---
    def invoke(self, invocation: Invocation) -> None:
        """Run it now, or as soon as the plugin is ready again; its deadline runs from here."""
        if self.state in ("failed", "unloaded"):
            code = Code.PLUGIN_NOT_LOADED if self.state == "unloaded" else Code.PLUGIN_CRASH_LOOP
            self._end(invocation, SandboxError(code))
        elif METHOD.fullmatch(invocation.method) is None or CID.fullmatch(invocation.cid) is None:
            self._end(invocation, SandboxError(Code.HANDLER_NOT_FOUND, f"{invocation.method[:64]!r} is no handler"))
        elif len(self._running) + len(self._queued) >= self._limit("invocationsPending"):
            self._end(invocation, SandboxError(Code.RATE_LIMIT, "too many invocations of this plugin wait"))
        elif (fault := self._unfit(invocation.payload)) is not None:
            self._end(invocation, fault)
        else:
            self._end_if_overdue()
            invocation.id = self._running.open(invocation)
            if self.state == "ready":
                self._dispatch(invocation)
            else:
                # Its worker runs nothing yet, so a deadline that passes here must not cost the plugin that worker.
                self._queued.append(invocation)
                hard_ms = invocation.deadline_ms + self._limit("graceMs")
                self._world.later(hard_ms, lambda: self._give_up_waiting(invocation))

    def _end_if_overdue(self) -> None:
        """A call past its hard limit dooms its worker, though the watchdog's word may still be on its way."""
        now_ms, slot = self._world.now_ms(), self._slot
        for id, running in self._running.items():
            hard_ms = running.started_ms + running.deadline_ms + self._limit("graceMs")
            if slot is not None and running.slot is slot and now_ms > hard_ms:
                self.expired(slot.number, id)
                return

    def _unfit(self, text: str) -> SandboxError | None:
        """Why the page's JSON ``text`` must not go to the worker, whose gate would end it for that."""
        if len(text) > self._limit("messageChars"):
            return SandboxError(Code.MESSAGE_LIMIT, "the value is larger than messageChars")
        if text.count("[") + text.count("{") <= default("messageDepth"):
            return None  # whatever it looks like, it cannot nest deeper than that
        try:
            strict_json.check_depth(text)
        except ProtocolViolation as fault:
            return SandboxError(Code.MESSAGE_LIMIT, fault.message)
        return None

    def _give_up_waiting(self, invocation: Invocation) -> None:
        if invocation in self._queued:
            self._queued.remove(invocation)
            self._running.discard(invocation.id)
            self._end(invocation, SandboxError(Code.PLUGIN_TIMEOUT), layer="hard")

    def _dispatch(self, invocation: Invocation) -> None:
        slot = self._slot
        if slot is None or invocation.id not in self._running:
            return
        left = max(1, int(invocation.deadline_ms - (self._world.now_ms() - invocation.started_ms)))
        invocation.slot = slot
        self._world.arm(slot.number, invocation.id, left + self._limit("graceMs"))
        slot.channel.send("call", invocation.id, invocation.cid, invocation.payload, method=invocation.method,
                          deadline_ms=left)  # fmt: skip

    def _settle(self, envelope: Envelope) -> None:
        if self.state == "loading" and envelope.id == "load" and envelope.kind == "error":
            self._fail_load(_plugin_error(envelope))
            return
        invocation = self._running.peek(envelope.id)
        if invocation is None:
            raise ProtocolViolation("unknown-id")
        if envelope.kind == "result":
            strict_json.loads(envelope.payload, max_chars=self._limit("messageChars"))
        error = _plugin_error(envelope) if envelope.kind == "error" else None
        self._running.settle(envelope.id)
        if invocation.slot is not None:
            self._world.disarm(invocation.slot.number, invocation.id)
        self._remember(envelope)
        self.kills_in_a_row = 0
        if invocation.aborted and (error is None or error.code is not Code.PLUGIN_TIMEOUT):
            self._end(invocation, SandboxError(Code.PLUGIN_ABORTED))
        elif error is not None and error.code is Code.PLUGIN_ABORTED:
            self._end(invocation, SandboxError(Code.PLUGIN_ERROR, error.message))  # only the caller aborts
        elif error is not None:
            layer = "cooperative" if error.code is Code.PLUGIN_TIMEOUT else ""
            self._end(invocation, error, layer=layer)
        else:
            self.owner.finish(invocation, Outcome(
                Status.OK, value=envelope.payload, correlation_id=invocation.cid,
                duration_ms=self._world.now_ms() - invocation.started_ms, memory=self._memory(),
                generation=self.generation))  # fmt: skip

    def _remember(self, envelope: Envelope) -> None:
        self._used, self._peak = envelope.memory[0], max(self._peak, envelope.memory[1])

    def _memory(self) -> Memory:
        return Memory(self._used, self._peak, "plugin-allocator")

    def _end(self, invocation: Invocation, error: SandboxError, *, layer: str = "") -> None:
        self.owner.finish(invocation, failure(
            error, layer=layer, correlation_id=invocation.cid,
            duration_ms=self._world.now_ms() - invocation.started_ms, memory=self._memory(),
            generation=self.generation))  # fmt: skip

    def abort(self, page_id: str) -> None:
        """The caller gave up: the plugin hears of it, and has the grace to end."""
        for id, invocation in self._running.items():
            if invocation.page_id != page_id or invocation.aborted:
                continue
            invocation.aborted = True
            if invocation in self._queued:
                self._queued.remove(invocation)
                self._running.discard(id)
                self._end(invocation, SandboxError(Code.PLUGIN_ABORTED))
            elif invocation.slot is not None:
                left = invocation.started_ms + invocation.deadline_ms - self._world.now_ms()
                self._world.arm(invocation.slot.number, id, self._limit("graceMs") + min(0, left))
                invocation.slot.channel.send("abort", id, invocation.cid, '"abort"')

    # --- what it asks for ---
    def _guarded_call(self, slot: Slot, envelope: Envelope) -> None:
        if not envelope.id or any(asked.id == envelope.id for _, asked in self._asked.items()):
            raise ProtocolViolation("call-id")
        if len(self._asked) >= self._limit("callsPending"):
            self._refuse(slot, envelope, SandboxError(Code.RATE_LIMIT, "too many calls wait at once"))
            return
        body = strict_json.loads(envelope.payload, max_chars=self._limit("messageChars"))
        if not isinstance(body, dict) or set(cast(dict[str, Any], body)) != {"invocation", "args"}:
            raise ProtocolViolation("call-shape")
        permission = envelope.method
        denied = self.owner.why_denied(self, permission)
        refusal = self._count_call(cast(dict[str, Any], body)["invocation"])
        if refusal is not None:
            self._refuse(slot, envelope, refusal)
        elif denied is not None:
            self._refuse(slot, envelope, PermissionDenied(permission, denied))
            if permission not in self.manifest.permissions:
                self.owner.alert(self, Code.PERMISSION_DENIED, "undeclared-call", "")
        elif permission == "integration:proxy:invoke":
            self._refuse(slot, envelope, SandboxError(Code.ROUTE_NOT_FOUND, "this gateway has no proxy routes"))
        else:
            id = self._asked.open(_Asked(envelope.id, envelope.cid, slot))
            args = strict_json.dumps(cast(dict[str, Any], body)["args"])
            self.owner.ask_page(self, id, permission, args, envelope.cid)

    def _count_call(self, invocation_id: object) -> SandboxError | None:
        """Why no call may be made in this invocation's name (any more)."""
        if invocation_id == "on_load" and self.state == "loading":
            return None  # bounded by onLoadMs and callsPending
        invocation = self._running.peek(invocation_id) if isinstance(invocation_id, str) else None
        if invocation is None or invocation.slot is not self._slot:
            return SandboxError(Code.PLUGIN_ABORTED, "the invocation that this call belongs to has ended")
        invocation.calls += 1
        if invocation.calls > self._limit("callsPerInvocation"):
            return SandboxError(Code.RATE_LIMIT, "too many calls in one invocation: see callsPerInvocation")
        return None

    def answer(self, id: str, kind: str, payload: str) -> None:
        """The page's answer to a guarded call; one that the plugin no longer waits for is dropped."""
        asked = self._asked.discard(id)
        if asked is None:
            return
        fault = self._unfit(payload)
        if kind == "result" and fault is None:
            asked.slot.channel.send("result", asked.id, asked.cid, payload)
        else:
            # What the page says of its failure stays with the page.
            message = "the page's function failed" if fault is None else f"the page's answer: {fault.message}"
            body = {"code": Code.CAPABILITY_FAILED.value, "message": message}
            asked.slot.channel.send("error", asked.id, asked.cid, strict_json.dumps(body))

    def _withdraw(self, id: str) -> None:
        for ours, asked in self._asked.items():
            if asked.id == id:
                self.owner.report("withdraw", self, asked.cid, f'"{ours}"')

    def _refuse(self, slot: Slot, envelope: Envelope, error: SandboxError) -> None:
        body: dict[str, object] = {"code": error.code.value, "message": error.message}
        if isinstance(error, PermissionDenied):
            body["permission"] = error.permission
        slot.channel.send("error", envelope.id, envelope.cid, strict_json.dumps(body))

    def revoke(self, permission: str) -> None:
        self.revoked.add(permission)

    # --- its end ---
    def violated(self, slot: Slot, violation: ProtocolViolation, evidence: str) -> None:
        """A message broke the protocol: told as a security alert, and past the budget the worker is ended."""
        self.owner.alert(self, violation.code, violation.rule, evidence)
        if slot is self._slot and slot.violations > default("violationBudget"):
            self.killed(slot, "", SandboxError(Code.PLUGIN_KILLED, f"its worker broke the protocol: {violation.rule}"))

    def expired(self, slot_number: int, invocation_id: str) -> None:
        """The watchdog's word: a hard deadline passed, and the cell is being ended."""
        slot = self._slot
        if slot is None or slot.number != slot_number:
            return
        if invocation_id == "load" and self.state == "booting":
            others = SandboxError(Code.BOOT_TIMEOUT, "the plugin's worker did not start in time")
        elif invocation_id == "load":
            others = SandboxError(Code.PLUGIN_TIMEOUT, "the plugin's import and on_load took longer than onLoadMs")
        else:
            others = SandboxError(Code.PLUGIN_KILLED, "its worker was ended for another call")
        # Also where the call was settled while the watchdog's word was on its way: the worker is gone all the same.
        self.killed(slot, invocation_id, others)

    def killed(self, slot: Slot, overdue: str, others: SandboxError) -> None:
        """End this generation. ``overdue`` timed out; every other call ends with ``others``; then a fresh worker."""
        if slot is not self._slot:
            return
        was_loading = self.state in ("booting", "loading")
        self._drop_worker()
        self.kills_in_a_row += 1
        for id, invocation in self._running.drain():
            if id == overdue and not invocation.aborted:
                self._end(invocation, SandboxError(Code.PLUGIN_TIMEOUT), layer="hard")
            elif invocation.aborted:
                self._end(invocation, SandboxError(Code.PLUGIN_ABORTED), layer="hard")
            else:
                self._end(invocation, others)
        self._queued.clear()
        if was_loading and self.on_loaded is not None:
            self.state = "failed"
            self._tell_loaded(others)
        elif self.kills_in_a_row >= self._limit("restarts") and was_loading:
            self.state = "failed"
        else:
            self.start()

    def _fail_load(self, error: SandboxError) -> None:
        self._drop_worker()
        self.state = "failed"
        for _, invocation in self._running.drain():
            self._end(invocation, error)
        self._queued.clear()
        self._tell_loaded(error)

    def unload(self) -> None:
        """End the worker; whatever still runs ends as not loaded."""
        self._drop_worker()
        self.state = "unloaded"
        self._tell_loaded(SandboxError(Code.SESSION_CLOSED))
        for _, invocation in self._running.drain():
            self._end(invocation, SandboxError(Code.PLUGIN_NOT_LOADED, "the plugin was unloaded"))
        self._queued.clear()

    def _drop_worker(self) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.closed = True
            self.owner.slot_ended(slot)
            self._world.end_cell(slot.number)
        for id, _ in self._asked.drain():
            self.owner.report("withdraw", self, "", f'"{id}"')


def _plugin_error(envelope: Envelope) -> SandboxError:
    told = strict_json.loads(envelope.payload, max_chars=64 * 1024)
    if not isinstance(told, dict):
        raise ProtocolViolation("error-shape")
    body = cast(dict[str, Any], told)
    error = coded(str(body.get("code")), str(body.get("message"))[:2000])
    return error if error.code in OWN_FAILURES else SandboxError(Code.PLUGIN_ERROR, error.message)
