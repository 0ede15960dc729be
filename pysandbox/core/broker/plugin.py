"""One plugin of the page on the host's side: its life, its worker's generations, its invocations.

Must not know: JavaScript, how the page or the gateway are reached. Every invocation that enters here leaves with
exactly one outcome, whatever the plugin does. The states and their ways are `pysandbox.core.lifecycle`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized

from pysandbox.core import binary, strict_json
from pysandbox.core.breaker import Breaker
from pysandbox.core.broker.budgets import Hits, pressure_bytes, too_large_or_deep
from pysandbox.core.broker.calls import GuardedCalls
from pysandbox.core.broker.invocations import Invocation, Invocations
from pysandbox.core.broker.owner import Owner
from pysandbox.core.broker.plugin_words import NOTHING_LEFT, error_and_layer, handler_names, what_was_left
from pysandbox.core.broker.proxying import Answer, Asker
from pysandbox.core.broker.registered import Registered
from pysandbox.core.broker.slot import Slot
from pysandbox.core.broker.speech import Speech
from pysandbox.core.broker.watches import IdleWatch, MemoryWatch
from pysandbox.core.envelope import CID, METHOD, Binding, Envelope
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.gate import gate_limits
from pysandbox.core.lifecycle import WITH_WORKER, State, step
from pysandbox.core.limits import LIMITS, MIB, default
from pysandbox.core.outcome import Memory, Outcome

Report = Mapping[str, object]
"""What a plugin had left behind when its worker ended; see the docs' lifecycle."""


class LivePlugin:
    """``state`` is where it is in its life. ``on_loaded`` hears once whether it could be loaded at all."""

    def __init__(self, owner: Owner, handle: str, registered: Registered) -> None:
        self.owner, self.handle, self.registered = owner, handle, registered
        self.manifest = registered.manifest
        self.state = State.REGISTERED
        self.generation = 0
        self.handlers: Sequence[str] = ()
        self.revoked: set[str] = set()
        self.on_loaded: Callable[[SandboxError | None], None] | None = None
        self._world = owner.world
        self._slot: Slot | None = None
        self._started_ms = 0.0  # when its worker was asked for
        self._booting = False  # its worker has not yet said that it is there
        self._invocations = Invocations(self, self._world)
        self._calls = GuardedCalls(self)
        self._hits = Hits()
        self._speech = Speech(limit=self.limit, hit=self.hit, tell=self._tell, now_ms=self._world.now_ms())
        self._idle = IdleWatch(
            self._world, self.limit("idleMs"), has_worker=lambda: self.state in WITH_WORKER,
            idle=lambda: self.evict("idle"))
        self._pressure = MemoryWatch(
            self, self._world, pressure_bytes(self.manifest.memory_limit_mb, default("memoryPressurePercent")))
        self._drained: Callable[[Report], None] | None = None  # while it drains: what comes then
        self._unloading = False
        self._shutting_down = False
        self._refusal = SandboxError(Code.PLUGIN_NOT_LOADED)
        self._peak = self._used = 0
        self._breaker = Breaker(
            failures=self.limit("restarts"), base_ms=default("backoffBaseMs"), max_ms=default("backoffMaxMs"),
            jitter=lambda: int(self._world.random_hex(4), 16) / 2**32, probe_ms=default("probeMs"))

    @property
    def log_words(self) -> frozenset[str]:
        return self.registered.log_words

    @property
    def name(self) -> str:
        """``id@version``."""
        return f"{self.manifest.plugin_id}@{self.manifest.version}"

    @property
    def last_used_ms(self) -> float:
        return self._idle.last_used_ms

    @property
    def slot_number(self) -> int:
        """Of the cell it holds; 0 without one."""
        return self._slot.number if self._slot is not None else 0

    @property
    def memory(self) -> Memory:
        """The newest figures of this generation's worker."""
        return Memory(self._used, self._peak, "plugin-allocator")

    def limit(self, name: str) -> int:
        """The manifest's budget, or its default."""
        return self.manifest.limits.get(name, LIMITS[name].default)

    def hit(self, name: str) -> None:
        """Count that a limit was met."""
        self._hits.add(name)

    def _move(self, event: str, why: str = "") -> None:
        self.state = step(self.state, event)
        if event not in ("call", "idle"):
            told: dict[str, object] = {"state": self.state.value, "generation": self.generation}
            if why:
                told["reason"] = why
            if self.state is State.SUSPENDED:
                told["retryInMs"] = self._rests_for_ms()
            self.owner.report("state", self, "", strict_json.dumps(told))

    # --- its worker ---
    def start(self) -> None:
        """Take a cell and bind a port of a new generation to it; the plugin follows its binding."""
        self.generation += 1
        self._started_ms = self._world.now_ms()
        self._move("load")
        self._booting = True
        self._pressure.new_worker()
        self._used = self._peak = 0
        self._speech.new_worker()
        binding = Binding(
            self.manifest.plugin_id, self.owner.sid, self.generation,
            bytes.fromhex(self._world.random_hex(16)), self.owner.origin, self.limit("creditMessages"))
        number = self.owner.new_slot()
        slot = self._slot = Slot(
            number, binding, self._world, self, limit=self.limit, chaos=self.owner.chaos)
        self.owner.slot_opened(slot)
        self._world.open_cell(
            number, self.manifest.memory_limit_mb, self.registered.needs_library, binding, gate_limits(self.limit))
        self._world.arm(number, "load", self.limit("bootMs"))
        job = strict_json.dumps({
            "pluginId": self.manifest.plugin_id, "entry": self.manifest.entry,
            "context": dict(self.owner.context_of(self)), "permissions": list(self.owner.granted(self)),
            "limits": dict(self.manifest.limits),
        })  # fmt: skip
        slot.channel.send("load", "load", "", job, deadline_ms=self.limit("onLoadMs"),
                          buffers=[self.registered.bundle])  # fmt: skip

    def on_envelope(self, slot: Slot, envelope: Envelope) -> None:
        """A checked envelope of the current generation. Raises ProtocolViolation."""
        if envelope.buffers and envelope.kind not in ("result", "call"):
            raise ProtocolViolation("buffers")
        match envelope.kind:
            case "result" | "error":
                self._settle(slot, envelope)
            case "call":
                self._calls.take(slot, envelope)
            case "abort":
                self._calls.given_up(envelope.id)
            case "event" | "progress" | "log":
                self._speech.said(envelope, self._world.now_ms())
            case "ready" if self._booting:
                self._booting = False
                self._world.arm(slot.number, "load", self.limit("onLoadMs") + self.limit("graceMs"))
            case "loaded" if self.state is State.LOADING and not self._booting and envelope.id == "load":
                self._loaded(slot, envelope)
            case "bye" if self._shutting_down and envelope.id == "shutdown":
                self._drained_with(what_was_left(envelope.payload))
            case _:
                raise ProtocolViolation("kind")

    def _loaded(self, slot: Slot, envelope: Envelope) -> None:
        self.handlers = handler_names(envelope.payload)
        self._world.disarm(slot.number, "load")
        self._move("loaded")
        self._world.span(f"pysandbox load {self.name}", self._started_ms, "")
        self.remember(envelope)
        self._idle.begin()
        self._tell_loaded(None)
        self._dispatch_waiting()
        if not self._invocations.busy:
            self.owner.room_changed()

    def _tell(self, kind: str, cid: str, payload: str) -> None:
        self.owner.report(kind, self, cid, payload)

    def _tell_loaded(self, error: SandboxError | None) -> None:
        told, self.on_loaded = self.on_loaded, None
        if told is not None:
            told(error)

    def _drop_worker(self) -> None:
        slot, self._slot = self._slot, None
        self._booting = self._shutting_down = False
        if slot is not None:
            slot.closed = True
            self.owner.slot_ended(slot)
            self._world.end_cell(slot.number)
        self._calls.worker_gone()

    # --- invocations ---
    def invoke(self, invocation: Invocation) -> None:
        """Run it now, or as soon as the plugin is ready; its deadline runs from here."""
        refusal = self._why_not(invocation)
        if refusal is not None:
            self._invocations.end(invocation, refusal)
            return
        self._end_if_overdue(invocation.started_ms)
        self._invocations.add(invocation)
        if self.state is State.READY or (self.state is State.RUNNING and not self._in_grace()):
            self._dispatch(invocation)
            return
        self._invocations.wait(invocation)
        if self.state in (State.REGISTERED, State.SUSPENDED):
            self.owner.want_worker(self)

    def _why_not(self, invocation: Invocation) -> SandboxError | None:
        if self._unloading or self.state in (State.FAILED, State.UNLOADED):
            return self._refusal
        if METHOD.fullmatch(invocation.method) is None or CID.fullmatch(invocation.cid) is None:
            return SandboxError(Code.HANDLER_NOT_FOUND, f"{invocation.method[:64]!r} is no handler")
        if len(self._invocations) >= self.limit("invocationsPending"):
            self.hit("invocationsPending")
            return SandboxError(
                Code.RATE_LIMIT, "too many invocations of this plugin wait: see isolation.limits.invocationsPending")
        fault = self.unfit(invocation.payload, invocation.buffers)
        if fault is None and not self._breaker.allows(invocation.started_ms):
            return SandboxError(
                Code.PLUGIN_CRASH_LOOP,
                f"the plugin died too often in a row and rests; try again in {self._rests_for_ms()} ms")
        return fault

    def _rests_for_ms(self) -> int:
        retry_at_ms = self._breaker.retry_at_ms
        return max(0, int((retry_at_ms or 0) - self._world.now_ms()))

    def unfit(self, text: str, buffers: Sequence[Sized]) -> SandboxError | None:
        """Why the page's JSON ``text`` must not go to the worker, whose gate would end it for that."""
        return too_large_or_deep(text, buffers, self.limit, self.hit)

    def within(self, value: object, buffers: Sequence[Sized]) -> None:
        """Whether the worker's bytes keep to the manifest, and stand in ``value``. Raises ProtocolViolation."""
        fault = binary.too_large(buffers, self.limit)
        if fault is not None:
            self.hit(fault[0])
            raise ProtocolViolation(fault[0], code=Code.MESSAGE_LIMIT)
        binary.check(value, buffers)

    def _end_if_overdue(self, now_ms: float) -> None:
        slot = self._slot
        overdue = self._invocations.overdue(slot, now_ms) if slot is not None else None
        if slot is not None and overdue is not None:
            self.expired(slot.number, overdue)

    def _in_grace(self) -> bool:
        return self._invocations.in_grace(self._world.now_ms())

    def _dispatch_waiting(self) -> None:
        for invocation in self._invocations.take_waiting():
            self._dispatch(invocation)

    def _dispatch(self, invocation: Invocation) -> None:
        slot = self._slot
        if slot is None or self._invocations.peek(invocation.id) is None:
            return
        if self.state is State.READY:
            self._move("call")
        self._speech.new_invocation(invocation.cid)
        self._invocations.dispatch(invocation, slot)

    def _settle(self, slot: Slot, envelope: Envelope) -> None:
        if envelope.id == "load" and self.state is State.LOADING and not self._booting and envelope.kind == "error":
            self._fail_load(error_and_layer(envelope.payload)[0])
            return
        if envelope.id == "pressure" and self._pressure.asked:
            self._freed(slot, envelope)
            return
        invocation = self._invocations.settle(slot, envelope)
        self._calls.invocation_ended(invocation.id)
        self._breaker.succeeded(self._world.now_ms())
        if self.state is State.RUNNING and not self._in_grace():
            self._dispatch_waiting()
        if not self._invocations.busy:
            self._is_quiet()
        if self._pressure.is_short(self._used) and self.state in (State.READY, State.RUNNING):
            self._pressure.ask(slot)

    def _is_quiet(self) -> None:
        if self.state is State.DRAINING:
            self._shut_down()
        elif self.state is State.RUNNING:
            self._move("idle")
            self._idle.use()
            self.owner.room_changed()

    def remember(self, envelope: Envelope) -> None:
        """What the worker's allocator said of itself, with a reply."""
        self._used, self._peak = envelope.memory[0], max(self._peak, envelope.memory[1])

    def finish(self, invocation: Invocation, outcome: Outcome) -> None:
        """Tell the page; what it met of its limits goes before."""
        hits = self._hits.take()
        if hits:
            self.owner.report("limits", self, invocation.cid, strict_json.dumps(dict(hits)))
        self.owner.finish(self, invocation, outcome, hits)
        self._world.span(f"pysandbox call {self.name} {invocation.method[:64]}", invocation.started_ms, invocation.cid)

    def abort(self, page_id: str) -> None:
        """The caller gave up one invocation."""
        self._invocations.abort(page_id)

    def abort_reason(self) -> SandboxError:
        """How an aborted invocation ends."""
        return self._refusal if self._unloading else SandboxError(Code.PLUGIN_ABORTED)

    # --- what it asks for ---
    def charge(self, invocation_id: object) -> SandboxError | None:
        """Count a guarded call against its invocation; why none may be made in its name (any more)."""
        if (invocation_id == "on_load" and self.state is State.LOADING) or (
                invocation_id == "on_memory_pressure" and self._pressure.asked) or (
                invocation_id == "on_unload" and self._shutting_down):
            return None  # bounded by the hook's own time and by callsPending
        invocation = self._invocations.peek(invocation_id)
        if invocation is None or invocation.slot is not self._slot:
            return SandboxError(Code.PLUGIN_ABORTED, "the invocation that this call belongs to has ended")
        invocation.calls += 1
        if invocation.calls > self.limit("callsPerInvocation"):
            self.hit("callsPerInvocation")
            return SandboxError(
                Code.RATE_LIMIT, "too many calls in one invocation: see isolation.limits.callsPerInvocation")
        return None

    def why_denied(self, permission: str) -> str | None:
        return self.owner.why_denied(self, permission)

    def undeclared(self, permission: str) -> None:
        if permission not in self.manifest.permissions:
            self.owner.alert(self, Code.PERMISSION_DENIED, "undeclared-call", "")

    def ask_page(self, id: str, permission: str, args: str, cid: str, buffers: Sequence[Sized]) -> None:
        self.owner.ask_page(self, id, permission, args, cid, buffers)

    def ask_gateway(self, id: str, asked: object, invocation: object, cid: str) -> None:
        running = self._invocations.peek(invocation)
        ends_ms = running.ends_ms if running is not None else self._world.now_ms() + self.limit("onLoadMs")
        asker = Asker(self.name, self.manifest.csp, self.limit("bufferBytes"), f"{self.handle}.{invocation}")
        asked_ms = self._world.now_ms()

        def answered(answer: Answer) -> None:
            if running is not None:
                running.proxied += 1
                running.network_ms += self._world.now_ms() - asked_ms
            self._calls.proxied(id, answer)

        self.owner.proxy_of(self).ask(asker, id, asked, ends_ms - asked_ms, cid, answered)

    def hang_up(self, id: str) -> None:
        self.owner.proxy_of(self).hang_up(id)

    def withdraw(self, id: str, cid: str) -> None:
        self.owner.report("withdraw", self, cid, f'"{id}"')

    def answer(self, id: str, kind: str, payload: str, buffers: Sequence[Sized]) -> None:
        """The page's answer to a guarded call."""
        self._calls.answer(id, kind, payload, buffers)

    def revoke(self, permission: str) -> None:
        """From now on it is denied, to calls that wait for their answer as well."""
        self.revoked.add(permission)
        self._calls.revoked(permission)

    def _freed(self, slot: Slot, envelope: Envelope) -> None:
        self._pressure.answered(slot)
        self.remember(envelope)
        if self._pressure.is_short(self._used):
            self.drain("memory", lambda _report: self.owner.want_worker(self))

    def measured(self, slot: Slot, js_bytes: int) -> None:
        """What its cell takes in all, by the browser's measure: JavaScript's own share is bounded too."""
        most_bytes = (self.manifest.memory_limit_mb + self.limit("jsMemoryMB")) * MIB
        if js_bytes > most_bytes:
            self.hit("jsMemoryMB")
            self.killed(slot, "", SandboxError(
                Code.PLUGIN_KILLED, "its worker held too much outside its WebAssembly memory: "
                "see isolation.limits.jsMemoryMB"))  # fmt: skip

    # --- its end ---
    def drain(self, why: str, then: Callable[[Report], None]) -> None:
        """Take nothing new, let what runs end, run on_unload, end the worker; then ``then`` with what was left."""
        if self.state not in (State.READY, State.RUNNING):
            return
        self._drained = then
        self._move("drain", why)
        if not self._invocations.busy:
            self._shut_down()

    def _shut_down(self) -> None:
        slot = self._slot
        assert slot is not None
        self._shutting_down = True
        self._world.arm(slot.number, "shutdown", self.limit("onUnloadMs") + self.limit("graceMs"))
        slot.channel.send("shutdown", "shutdown", "", "null", deadline_ms=self.limit("onUnloadMs"))

    def _drained_with(self, report: Report) -> None:
        self._drop_worker()
        self._move("drained")
        self._after_drain(report)

    def _after_drain(self, report: Report) -> None:
        then, self._drained = self._drained, None
        self.owner.room_changed()
        if then is not None:
            then(report)
        if self._invocations.any_waits and self.state is State.REGISTERED:
            self.owner.want_worker(self)

    def evict(self, why: str) -> None:
        """Give the worker up; the next call loads the plugin again, its memory lost."""
        self.drain(why, lambda _report: None)

    def unload(self, done: Callable[[Report], None]) -> None:
        """For good. What waits or runs ends (what runs has the grace for it), then on_unload; then ``done``."""
        asked_before = self._drained if self._unloading else None
        self._refusal = SandboxError(Code.PLUGIN_NOT_LOADED, "the plugin was unloaded")
        self._unloading = True

        def gone(report: Report) -> None:
            self._move("unload")
            if asked_before is not None:
                asked_before(report)
            done(report)

        self._invocations.abort_all()
        if self.state is State.DRAINING:
            self._drained = gone
        elif self.state in (State.READY, State.RUNNING):
            self.drain("unload", gone)
        else:
            self.close(self._refusal)
            done(NOTHING_LEFT)

    def close(self, error: SandboxError) -> None:
        """Everything ends at once, without a word to the plugin."""
        self._stop(error, "unload")

    def block(self) -> None:
        """Its version may run no more: it ends at once, and every call of it is refused."""
        self._stop(SandboxError(Code.PLUGIN_BLOCKED), "fail", "blocked")

    def unblock(self) -> None:
        """Its version may run again: the next call loads it."""
        if self.state is State.FAILED and self._refusal.code is Code.PLUGIN_BLOCKED:
            self._move("unblock")

    def _stop(self, error: SandboxError, event: str, why: str = "") -> None:
        self._refusal = error
        self._drop_worker()
        self._move(event, why)
        self._invocations.end_all(error)
        self._tell_loaded(error)
        then, self._drained = self._drained, None
        if then is not None and self._unloading:
            then(NOTHING_LEFT)
        self.owner.room_changed()

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
        if invocation_id == "load" and self._booting:
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
        self._drop_worker()
        self._move("crash", "timeout" if overdue else "killed")
        self._breaker.failed(self._world.now_ms())
        keep = self._drained is not None or self._in_grace()
        self._invocations.worker_died(overdue, others, keep_waiting=keep)
        self._go_on(others, overdue)

    def _go_on(self, error: SandboxError, overdue: str) -> None:
        """After a crash: whoever waits for the end of a drain hears of it, else a fresh worker unless it must rest."""
        if self.on_loaded is not None:
            self._stop(error, "fail")
        elif self._drained is not None:
            late = "on_unload took longer than onUnloadMs" if overdue == "shutdown" else error.message
            self._after_drain({**NOTHING_LEFT, "error": late})
        elif self._breaker.state(self._world.now_ms()) == "closed":
            self.owner.want_worker(self)
            self.owner.room_changed()
        else:
            self._invocations.end_waiting(error)
            self._move("rest")
            self.owner.room_changed()

    def _fail_load(self, error: SandboxError) -> None:
        """Its own import or on_load failed: the page's load fails; later ones wait for the next call to try again."""
        self._drop_worker()
        self._move("crash", "load-failed")
        self._breaker.failed(self._world.now_ms())
        if self.on_loaded is not None:
            self._stop(error, "fail")
            return
        self._invocations.end_all(error)
        if self._breaker.state(self._world.now_ms()) != "closed":
            self._move("rest")
        self.owner.room_changed()
