"""A world for the host alone: fake clock, cells that do as they are told, a gateway that answers when it is told to.

No event loop: coroutines run until they wait for the gateway, and go on when it answers. Messages in both directions
lie in queues until they are delivered, so a test decides what crosses what.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pysandbox.core.bundle import build_bundle
from pysandbox.core.channel import Channel
from pysandbox.core.envelope import TO_HOST, Binding, Envelope
from pysandbox.core.limits import default
from pysandbox.host.exchange import Outgoing
from pysandbox.host.session import HostSession

ORIGIN = "https://sandbox.example"
READ, WRITE = "webchat:session:read", "crm:ticket:write"
NAMES = tuple(f"com.example.{letter}" for letter in "abcdefghijklm")
FEW = NAMES[:3]
DEADLINE_MS = 1000
LIMITS = {"onLoadMs": 500, "onUnloadMs": 200, "idleMs": 20_000, "restarts": 3, "invocationsPending": 6}
BUNDLE = build_bundle({"plugin.py": b"..."})
ROUNDING_MS = 2
LONG_MS = 1_000_000.0  # longer than every limit


def registered(name: str) -> dict[str, Any]:
    """What the gateway knows of a plugin."""
    return {
        "pluginId": name, "version": "1.0.0", "bundleSha256": hashlib.sha256(BUNDLE).hexdigest(),
        "bundleBytes": len(BUNDLE), "manifest": {
            "pluginId": name, "version": "1.0.0", "manifest": {
                "type": "webchat", "csp": "", "permissions": [READ, WRITE],
                "isolation": {"maxExecutionTimeMs": DEADLINE_MS, "limits": LIMITS}}}}


class Cell:
    """A worker: an honest channel, its unanswered questions, and whatever else its plugin may post.

    ``alive``: JavaScript has not ended it. ``ended``: the host has. A watchdog's kill makes it dead before the host
    knows.
    """

    def __init__(self, world: LifecycleWorld, slot: int, binding: Binding) -> None:
        self.world, self.slot, self.binding = world, slot, binding
        self.alive, self.ended = True, False
        self.inbox: deque[tuple[str, Sequence[Sized]]] = deque()  # on their way to the worker
        self.outbox: deque[str] = deque()  # on their way to the host
        self.asks: dict[str, Envelope] = {}  # by id: what it has not answered
        self.answered: list[str] = []
        self.calls: list[str] = []  # its own guarded calls that wait
        self.booted = self.loaded = False
        self._calls = 0
        self.channel = Channel(
            binding, TO_HOST, self, credit=binding.credit, max_chars=default("messageChars") * 2)

    def __repr__(self) -> str:
        return f"<{self.binding.plugin} slot {self.slot} gen {self.binding.gen}>"

    # --- the channel's wire ---
    def post(self, text: str, buffers: Sequence[bytes]) -> None:
        assert not buffers
        self.outbox.append(text)

    def grant(self, messages: int) -> None:
        pass

    def now_ms(self) -> float:
        return self.world.now_ms()

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self.world.later(delay_ms, run)

    # --- what it does ---
    def boot(self) -> None:
        self.booted = True
        self.channel.send("ready", "", "")

    def hear(self) -> None:
        """Read everything that has arrived."""
        while self.alive and self.booted and self.inbox:
            text, buffers = self.inbox.popleft()
            envelope = self.channel.receive(text, buffers)
            if envelope is None:
                continue
            if envelope.kind in ("call", "load", "pressure", "shutdown"):
                assert envelope.id not in self.asks
                self.asks[envelope.id] = envelope
            elif envelope.kind in ("result", "error"):
                self.calls.remove(envelope.id)  # every guarded call is answered once, and nothing else is

    def reply(self, id: str, kind: str, payload: str, used: int = 0) -> None:
        self.asks.pop(id, None)
        self.answered.append(id)
        self.channel.send(kind, id, "", payload, memory=(used, used))

    def ask(self, permission: str, invocation: str) -> None:
        self._calls += 1
        id = f"c{self._calls}"
        self.calls.append(id)
        body = json.dumps({"invocation": invocation, "args": None})
        self.channel.send("call", id, "", body, method=permission)


class _Answer:
    """A request to the gateway that waits for `LifecycleWorld.gateway_answers`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.answer: tuple[int, bytes] | ConnectionError | None = None

    def __await__(self) -> Generator[_Answer, None, tuple[int, bytes]]:
        yield self
        assert self.answer is not None
        if isinstance(self.answer, ConnectionError):
            raise self.answer
        return self.answer


def answered(outcome: dict[str, Any]) -> bool:
    """Whether the plugin itself brought this outcome about, or may have: what the host refuses has other codes."""
    if outcome["status"] == "error":
        return outcome["error"]["code"] in ("PLUGIN_ERROR", "MEMORY_LIMIT")
    layer = outcome.get("layer")
    return outcome["status"] in ("ok", "denied") or layer in ("cooperative", "soft") or (
        outcome["status"] == "aborted" and not layer)


@dataclass
class Crashes:
    """Crashes of a plugin in a row; from ``restarts`` on it rests, and only then may one call at a time try it."""

    count: int = 0
    last_ms: float = 0
    until_ms: float | None = None  # when the rest ends, as the page was told
    probes: list[float] = field(default_factory=list[float])  # what was let through since


class LifecycleWorld:
    """`World` of the host, and the page: it keeps the account of what was asked and what came back."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cells: dict[int, Cell] = {}
        self.armed: dict[tuple[int, str], float] = {}
        self.requests: list[tuple[_Answer, Coroutine[Any, Any, None]]] = []
        self.open_invocations: dict[str, str] = {}  # page id to handle
        self.due: dict[str, float] = {}  # page id to when its outcome must be there
        self.crashes: dict[str, Crashes] = {}  # by handle, until it answers again
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.open_questions: dict[str, tuple[str, str]] = {}  # load, unload, revoke, open, close: id to kind, subject
        self.handles: dict[str, str] = {}  # to plugin id, of what is loaded
        self.gone: set[str] = set()  # handles whose unload was answered
        self.page_calls: list[tuple[str, str]] = []  # guarded calls that wait for the page: id, handle
        self.blocked: set[str] = set()
        self.revision = 0
        self.unloads: list[dict[str, Any]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.session = HostSession(self, ORIGIN)

    def _next(self) -> int:
        self._count += 1
        return self._count

    # --- World ---
    def now_ms(self) -> float:
        return self.now

    def epoch_ms(self) -> float:
        return self.now

    def random_hex(self, count: int) -> str:
        return hashlib.shake_128(b"%d" % self._next()).hexdigest(count)

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + max(0.0, delay_ms), self._next(), run))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(StopIteration):
            self.requests.append((work.send(None), work))

    def span(self, name: str, started_ms: float, cid: str) -> None:  # noqa: ARG002
        assert name
        assert started_ms <= self.now

    def fetch(self, method: str, path: str, token: str) -> _Answer:
        assert (method, token) in {("GET", "secret"), ("POST", "secret")}
        return _Answer(path)

    def exchange(self, outgoing: Outgoing) -> NoReturn:
        raise AssertionError(f"no plugin of this machine asks the proxy: {outgoing.address}")

    def leave_behind(self, token: str) -> None:
        """Its sessions end with it."""

    def post(self, path: str, token: str, body: str) -> NoReturn:
        raise AssertionError(f"this gateway takes no telemetry: {path}, {len(token)}, {body}")

    def hold(self, telemetry: str) -> NoReturn:
        raise AssertionError(f"this gateway takes no telemetry: {telemetry}")

    def hang_up(self, id: str) -> NoReturn:
        raise AssertionError(f"nothing was asked of the proxy: {id}")

    def to_plugin(self, slot: int, text: str, buffers: Sequence[Sized]) -> None:
        cell = self.cells[slot]
        assert not cell.ended, f"{cell} was ended and is spoken to"
        if cell.alive:
            cell.inbox.append((text, buffers))

    def grant(self, slot: int, messages: int) -> None:
        assert messages > 0
        assert not self.cells[slot].ended

    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int],
    ) -> None:  # fmt: skip
        assert slot not in self.cells, "a slot is used once"
        assert (memory_mb, needs_library) == (default("memoryLimitMB"), True)
        assert not [cell for cell in self.cells.values() if cell.binding[:3] == binding[:3] and not cell.ended]
        for handle, crashes in self.crashes.items():
            if self.handles.get(handle) == binding.plugin and crashes.count >= LIMITS["restarts"]:
                assert self.now >= crashes.last_ms + default("backoffBaseMs") / 2, "a worker for one that must rest"
                assert crashes.until_ms is not None, "a worker though nobody was told of its rest"
                assert self.now >= crashes.until_ms
        assert gate["credit"] >= binding.credit
        self.cells[slot] = Cell(self, slot, binding)

    def end_cell(self, slot: int) -> None:
        cell = self.cells[slot]
        assert not cell.ended, f"{cell} was ended twice"
        cell.ended, cell.alive = True, False
        for key in [key for key in self.armed if key[0] == slot]:
            del self.armed[key]

    def arm(self, slot: int, invocation: str, after_ms: float) -> None:
        assert not self.cells[slot].ended, "the watchdog is armed for a cell that is gone"
        self.armed[slot, invocation] = self.now + after_ms

    def disarm(self, slot: int, invocation: str) -> None:
        self.armed.pop((slot, invocation), None)

    # --- the page ---
    def to_page(self, kind: str, id: str, cid: str, payload: str, buffers: Sequence[Sized] = ()) -> None:
        assert len(cid) < 64
        assert not buffers
        value = json.loads(payload)
        if kind == "outcome":
            handle = self.open_invocations.pop(id)  # a second outcome, or one of nothing, is a KeyError
            assert handle not in self.gone, f"{id} ends after its plugin's unload was answered"
            self.outcomes[id] = value
            if answered(value):
                self.crashes.pop(handle, None)
        elif kind == "state":
            self._state(id, value)
        elif kind in ("result", "error"):
            asked, subject = self.open_questions.pop(id)
            self._answered(asked, subject, kind, value)
        elif kind == "call":
            self.page_calls.append((id, value["to"]))
        elif kind == "withdraw":
            self.page_calls.remove((value, id))  # withdrawn once, and only what waits

    def _state(self, handle: str, told: dict[str, Any]) -> None:
        crashes = self.crashes.setdefault(handle, Crashes())
        if told["state"] == "suspended":
            crashes.until_ms = self.now + told["retryInMs"]
        elif told.get("reason") in ("killed", "timeout", "load-failed"):
            crashes.count += 1
            crashes.last_ms, crashes.until_ms = self.now, None
            crashes.probes.clear()

    def _answered(self, asked: str, subject: str, kind: str, value: dict[str, Any]) -> None:
        if asked == "load" and kind == "result":
            self.handles[value["handle"]] = subject
        elif asked == "unload" and subject in self.handles:
            left = [id for id, handle in self.open_invocations.items() if handle == subject]
            assert not left, f"unload was answered while {left} run"
            del self.handles[subject]
            self.gone.add(subject)
            self.unloads.append(value)

    def question(self, kind: str, *, subject: str = "", payload: str = "null", to: str = "", method: str = "") -> None:
        id = f"q{self._next()}"
        self.open_questions[id] = kind, subject
        self.session.on_page(kind, id, "", payload, to, method, 0)

    def invoke(self, handle: str, method: str, payload: str, deadline_ms: int) -> None:
        id = f"i{self._next()}"
        self.open_invocations[id] = handle
        longest = min(deadline_ms, DEADLINE_MS) if deadline_ms > 0 else DEADLINE_MS
        self.due[id] = self.now + longest + default("graceMs") + ROUNDING_MS
        self.session.on_page("invoke", id, f"cid-{id}", payload, handle, method, deadline_ms)
        crashes = self.crashes.get(handle)
        if crashes is not None and crashes.until_ms is not None and id in self.open_invocations:
            assert self.now >= crashes.until_ms, "a call was let through while the plugin rests"
            crashes.probes = [at for at in crashes.probes if at + default("probeMs") > self.now]
            assert not crashes.probes, "a second call was let through beside the probe"
            crashes.probes.append(self.now)

    def abort(self, id: str, handle: str) -> None:
        self.session.on_page("abort", id, "", "null", handle, "", 0)

    def answer_call(self, id: str, handle: str, kind: str, payload: str) -> None:
        self.page_calls.remove((id, handle))
        self.session.on_page(kind, id, "", payload, handle, "", 0)

    # --- the gateway ---
    def gateway_answers(self, index: int = 0, *, broken: bool = False) -> None:
        request, work = self.requests.pop(index)
        request.answer = ConnectionError("down") if broken else self._answer(request.path)
        self.begin(work)

    def _answer(self, path: str) -> tuple[int, bytes]:
        if path.endswith("/sessions"):
            session = {"sessionId": "5" * 32, "nonceSeed": "0" * 64, "grants": [READ, WRITE],
                       "expiresAt": 2_000_000_000_000, "allowedOrigins": []}  # fmt: skip
            return 200, json.dumps(session).encode()
        if "/changes" in path:
            return 200, json.dumps({"revision": self.revision, "blocked": sorted(self.blocked)}).encode()
        name = path.split("/")[4]
        if f"{name}@1.0.0" in self.blocked:
            error = {"code": "PLUGIN_BLOCKED", "message": "blocked", "retryable": False}
            return 403, json.dumps({"error": error}).encode()
        return (200, BUNDLE) if path.endswith("/bundle") else (200, json.dumps(registered(name)).encode())

    # --- time and delivery ---
    def deliver(self, cell: Cell, count: int) -> None:
        """``count`` messages of the worker reach the host, however old they are."""
        for _ in range(count):
            if cell.outbox:
                self.session.on_plugin(cell.slot, cell.outbox.popleft())

    def settle(self) -> None:
        """Everything under way between the host and living cells arrives."""
        busy = True
        while busy:
            busy = False
            for cell in [cell for cell in self.cells.values() if cell.alive]:
                busy = busy or bool(cell.outbox) or (cell.booted and bool(cell.inbox))
                cell.hear()
                self.deliver(cell, len(cell.outbox))

    def expire(self, slot: int, key: str) -> None:
        """The watchdog kills, then says so."""
        self.armed.pop((slot, key), None)
        self.cells[slot].alive = False
        self.session.on_expired(slot, key)

    def advance(self, ms: float) -> None:
        """Let time pass; timers and the watchdog have their turn in order."""
        end = self.now + ms
        while True:
            timer = self._timers[0][0] if self._timers else end + 1
            dog = min(self.armed.values(), default=end + 1)
            at = min(timer, dog)
            if at > end:
                break
            self.now = max(self.now, at)
            if dog <= timer:
                self.expire(*next(key for key, due in self.armed.items() if due == dog))
            else:
                heapq.heappop(self._timers)[2]()
        self.now = end
