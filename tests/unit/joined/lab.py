"""Both ends joined in memory: a page, `HostSession`, the gates, the watchdog, cells with `PluginRuntime`, a gateway.

What stands in for JavaScript is here and is small: it moves messages one loop turn later, counts credit, and keeps
deadlines. Everything that decides anything is the product's own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from math import inf
from pathlib import Path
from typing import Any, Self

from pysandbox.core import binary
from pysandbox.core.broker.proxying import Incoming
from pysandbox.core.bundle import build_bundle
from pysandbox.core.chaos import parse_chaos
from pysandbox.core.envelope import TO_HOST, Binding, Sealer
from pysandbox.core.errors import Status
from pysandbox.host.exchange import Outgoing
from pysandbox.host.session import HostSession
from pysandbox.plugin import hooks
from pysandbox.plugin.runtime import PluginRuntime
from tests.unit.joined.stand_in import Body, StandIn

PLUGIN_ID = "com.example.lab"
NAME = f"{PLUGIN_ID}@1.0.0"
ORIGIN = "https://sandbox.example"
SID = "5" * 32
READ, TICKET, SECRET = "webchat:session:read", "crm:ticket:write", "crm:secret:read"
PROXY = "integration:proxy:invoke"
HEAD = "import asyncio\nfrom pysandbox.plugin import handler, on_load\n"
ECHO = HEAD + "@handler\ndef echo(payload, ctx):\n    return payload\n"
Capability = Callable[[Any], Awaitable[Any]]


def manifest(**isolation: Any) -> dict[str, Any]:
    """The lab plugin's manifest; ``isolation`` entries are added to its isolation."""
    return {
        "pluginId": PLUGIN_ID, "version": "1.0.0",
        "manifest": {
            "type": "webchat", "workerUrl": "https://cdn.example/lab-1.0.0.zip",
            "csp": "default-src 'none'; worker-src https://cdn.example; connect-src https://api.example",
            "permissions": [READ, TICKET, PROXY],
            "isolation": {
                "mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 1000, **isolation},
        },
    }  # fmt: skip


class Gateway:
    """Answers as the real one does. ``answers`` replaces single ones: path's end to (status, body)."""

    def __init__(self, source: str, declared: dict[str, Any]) -> None:
        self.bundle = build_bundle({"plugin.py": source.encode()})
        self.registered: dict[str, Any] = {
            "pluginId": PLUGIN_ID, "version": "1.0.0", "manifest": declared,
            "bundleSha256": hashlib.sha256(self.bundle).hexdigest(), "bundleBytes": len(self.bundle),
        }  # fmt: skip
        self.session: dict[str, Any] = {
            "sessionId": SID, "nonceSeed": "0" * 64, "grants": [READ, TICKET, SECRET, PROXY],
            "expiresAt": 2_000_000_000_000, "allowedOrigins": ["https://page.example"],
        }  # fmt: skip
        self.answers: dict[str, tuple[int, bytes] | ConnectionError] = {}
        self.tokens: set[str] = set()
        self.ended: list[str] = []  # the tokens of sessions that the host ended
        self.changes: Callable[[int], Awaitable[tuple[int, bytes]]] | None = None

    async def fetch(self, method: str, path: str, token: str) -> tuple[int, bytes]:
        await asyncio.sleep(0.005)
        self.tokens.add(token)
        if (method, path) == ("DELETE", "/api/v2/sessions/current"):
            self.ended.append(token)
            return 204, b""
        asked, _, since = path.partition("/changes?since=")
        if since and asked and self.changes is not None:
            return await self.changes(int(since))
        for end, answer in self.answers.items():
            if path.endswith(end):
                if isinstance(answer, ConnectionError):
                    raise answer
                return answer
        base = f"/api/v2/plugins/{PLUGIN_ID}/versions"
        found = {
            ("POST", "/api/v2/sessions"): json.dumps(self.session).encode(),
            ("GET", f"{base}/1.0.0"): json.dumps(self.registered).encode(),
            ("GET", f"{base}/latest"): json.dumps(self.registered).encode(),
            ("GET", f"{base}/1.0.0/bundle"): self.bundle,
        }.get((method, path))
        error = b'{"error":{"code":"PLUGIN_NOT_FOUND","message":"no such plugin","retryable":false}}'
        return (404, error) if found is None else (200, found)


class Held:
    """What the host has of a buffer: its length, and something to hand on. Not a byte of it."""

    def __init__(self, content: bytes) -> None:
        self.content: bytes | None = content
        self._bytes = len(content)

    def __len__(self) -> int:
        return self._bytes

    def take(self) -> bytes:
        """The buffer itself, for another realm: a second time there is none, as after a transfer."""
        content, self.content = self.content, None
        assert content is not None, "a buffer was handed on twice"
        return content


def taken(buffers: Sequence[Any]) -> list[bytes]:
    """What arrives in another realm of what the host hands on."""
    return [buffer.take() if isinstance(buffer, (Held, Body)) else buffer for buffer in buffers]


class Cell:
    """One worker: both gates, the runtime, and what a hostile plugin would do with the port it lives beside."""

    BOOT_S = 0.05

    def __init__(self, lab: Lab, slot: int, binding: Binding, gate: Mapping[str, int]) -> None:
        self.lab, self.slot, self.binding = lab, slot, binding
        self.folder = lab.folder / f"cell{slot}"
        self.folder.mkdir()
        self.ended = lab.closed
        self.interrupt_at_ms = inf
        self.file_limits = -1, -1
        self.refused = ""
        self.freshly_counted = False
        self.credit = gate["credit"]  # of the host's gate
        self.plugin_credit = self.credit  # of the plugin's own gate
        self.sent: list[str] = []
        self.received: list[str] = []
        self.loop = asyncio.get_running_loop()
        self.runtime = PluginRuntime(self)
        self.booted = False
        self.kept: list[tuple[str, Sequence[Any]]] = []  # as a port keeps messages until its end is taken up
        if lab.boots:
            self.loop.call_later(self.BOOT_S, self.boot)

    def boot(self) -> None:
        if self.ended:
            return
        sys.modules.pop("plugin", None)  # a fresh worker has imported nothing
        self.runtime.bind(self.binding)
        self.booted = True
        for text, buffers in self.kept:
            self.deliver(text, buffers)

    # --- World of the runtime ---
    def post(self, text: str, buffers: Sequence[Any] = ()) -> None:
        self.sent.append(text)
        # As between two workers: what the host does about it is not the plugin's.
        self.loop.call_soon(self._to_host, text, [Held(buffer) for buffer in buffers], context=Context())

    def grant(self, messages: int) -> None:
        self.plugin_credit += messages

    def now_ms(self) -> float:
        return self.loop.time() * 1000

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self.loop.call_later(delay_ms / 1000, run)

    def interrupt_in(self, delay_ms: float) -> None:
        self.interrupt_at_ms = self.now_ms() + delay_ms

    def limit_files(self, max_bytes: int, max_files: int) -> None:
        self.file_limits = max_bytes, max_files

    def refused_files(self) -> str:
        told, self.refused = self.refused, ""
        return told

    def memory(self, *, fresh: bool = False) -> tuple[int, int]:
        self.freshly_counted = fresh
        return self.lab.used_bytes, max(self.lab.used_bytes, 2_000_000)

    # --- the gates ---
    def _to_host(self, text: str, buffers: list[Held]) -> None:
        if self.ended:
            return
        self.credit -= 1
        if self.credit < 0:
            self.ended = True
            self.lab.session.on_gate(self.slot, "overdraft", True)
        else:
            self.lab.session.on_plugin(self.slot, text, buffers)

    def deliver(self, text: str, buffers: Sequence[Any]) -> None:
        if self.ended:
            return
        if not self.booted:
            self.kept.append((text, buffers))
            return
        self.plugin_credit -= 1
        assert self.plugin_credit >= 0, "the host sent without credit"
        self.received.append(text)
        try:
            self.runtime.on_message(text, buffers)
        except Exception:  # noqa: BLE001 - as plugin_worker.ts does
            self.post("dead")

    def forge(
        self, seq: int, kind: str = "log", *, id: str = "", payload: str = "null", method: str = "", **binding: Any,
    ) -> str:  # fmt: skip
        """An envelope sealed by the plugin itself, which knows its own key; ``binding`` fields can be falsified."""
        sealer = Sealer(self.binding._replace(**binding), TO_HOST, "null")
        sealer.seq = seq
        return sealer.seal(kind, id, "", payload, method=method)


def page_text(value: object) -> tuple[str, list[Held]]:
    """What the page client makes of a value. It knows no limit but what no plugin may have more of."""
    try:
        return json.dumps(value), []
    except TypeError:
        text, buffers = binary.dumps(value, limit=lambda _name: 1 << 30)
        return text, [Held(buffer) for buffer in buffers]


class Lab:
    """World of the host, and the page beside it."""

    def __init__(
        self, folder: Path, source: str = ECHO, *, declared: dict[str, Any] | None = None, chaos: str = ""
    ) -> None:
        self.folder = folder
        self.loop = asyncio.get_running_loop()
        self.gateway = Gateway(source, declared or manifest())
        self.proxy = StandIn(self.epoch_ms)
        self.boots = True
        self.closed = False
        self.used_bytes = 1_000_000  # what workers say of their memory
        self.cells: dict[int, Cell] = {}
        self.watchdog: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self.capabilities: dict[str, Capability] = {}
        self.alerts: list[dict[str, Any]] = []
        self.told: list[tuple[str, Any]] = []  # events, progress, log, withdraw, limits
        self.states: list[dict[str, Any]] = []
        self.spans: list[tuple[str, int, str]] = []  # name, length in ms, correlation id
        self.posted: list[tuple[str, str, Any]] = []  # path, token, body
        self.posts: list[int] = []  # how the next of them are answered; 0: not at all
        self.held: Any = None  # what would be sent should the page end now
        self.asked: list[dict[str, Any]] = []  # capability calls
        self.left_behind = ""  # the token of the session that ends with the page
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next = 1
        self._randoms = 0
        self._restore = sys.path.copy(), hooks.current
        self.session = HostSession(self, ORIGIN, parse_chaos(chaos) if chaos else None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True
        for cell in self.cells.values():
            cell.ended = True
        sys.path[:], hooks.current = self._restore
        sys.modules.pop("plugin", None)

    @property
    def cell(self) -> Cell:
        """The newest one."""
        return self.cells[max(self.cells)]

    # --- World of the host ---
    def now_ms(self) -> float:
        return self.loop.time() * 1000

    def random_hex(self, count: int) -> str:
        self._randoms += 1
        return hashlib.shake_128(b"%d" % self._randoms).hexdigest(count)

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self.loop.call_later(delay_ms / 1000, run)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def span(self, name: str, started_ms: float, cid: str) -> None:
        self.spans.append((name, round(self.now_ms() - started_ms), cid))

    def fetch(self, method: str, path: str, token: str) -> Awaitable[tuple[int, bytes]]:
        return self.gateway.fetch(method, path, token)

    async def post(self, path: str, token: str, body: str) -> tuple[int, bytes]:
        await asyncio.sleep(0.005)
        self.posted.append((path, token, json.loads(body)))
        answer = self.posts.pop(0) if self.posts else 200
        if answer == 0:
            raise ConnectionError("away")
        return answer, b"{}"

    def hold(self, telemetry: str) -> None:
        self.held = json.loads(telemetry) if telemetry else None

    def epoch_ms(self) -> float:
        return self.now_ms()

    def exchange(self, outgoing: Outgoing) -> Awaitable[Incoming]:
        return self.proxy.exchange(outgoing)

    def leave_behind(self, token: str) -> None:
        self.left_behind = token

    def hang_up(self, id: str) -> None:
        self.proxy.hung_up.append(id)

    def to_plugin(self, slot: int, text: str, buffers: Sequence[Any]) -> None:
        self.loop.call_soon(self.cells[slot].deliver, text, taken(buffers))

    def grant(self, slot: int, messages: int) -> None:
        self.cells[slot].credit += messages

    def open_cell(
        self, slot: int, memory_mb: int, needs_library: bool, binding: Binding, gate: Mapping[str, int],
    ) -> None:  # fmt: skip
        assert (memory_mb, needs_library) == (64, True)
        self.cells[slot] = Cell(self, slot, binding, gate)

    def end_cell(self, slot: int) -> None:
        self.cells[slot].ended = True
        for key in [key for key in self.watchdog if key[0] == slot]:
            self.disarm(*key)

    def arm(self, slot: int, invocation: str, after_ms: float) -> None:
        self.disarm(slot, invocation)
        self.watchdog[slot, invocation] = self.loop.call_later(after_ms / 1000, self.expire, slot, invocation)

    def disarm(self, slot: int, invocation: str) -> None:
        handle = self.watchdog.pop((slot, invocation), None)
        if handle is not None:
            handle.cancel()

    def expire(self, slot: int, invocation: str) -> None:
        """What the watchdog does: end the cell at once, and tell the host."""
        self.watchdog.pop((slot, invocation), None)
        self.cells[slot].ended = True
        self.session.on_expired(slot, invocation)

    # --- the page ---
    def to_page(self, kind: str, id: str, cid: str, payload: str, buffers: Sequence[Any] = ()) -> None:
        value: Any = binary.join(json.loads(payload), taken(buffers))
        if kind in ("result", "error", "outcome"):
            self._waiting.pop(id).set_result((kind, value))  # a second answer or outcome is a KeyError
        elif kind == "call":
            self.asked.append(value)
            self.begin(self._answer(id, cid, value))
        elif kind == "alert":
            self.alerts.append(value)
        elif kind == "state":
            self.states.append(value)
        else:
            self.told.append((kind, value))

    async def _answer(self, id: str, cid: str, asked: Mapping[str, Any]) -> None:
        try:
            text, buffers = page_text(await self.capabilities[asked["permission"]](asked["args"]))
            self.session.on_page("result", id, cid, text, asked["to"], "", 0, buffers)
        except Exception:  # noqa: BLE001 - whatever the page's function raises
            body = '{"code":"CAPABILITY_FAILED","message":"the page failed"}'
            self.session.on_page("error", id, cid, body, asked["to"], "", 0)

    def ask(self, kind: str, *, payload: str = "null", to: str = "", method: str = "", deadline_ms: int = 0,
            cid: str = "", buffers: Sequence[Held] = ()) -> tuple[str, asyncio.Future[Any]]:  # fmt: skip
        """Send; the message's id, and what its one answer will come in."""
        id = f"q{self._next}"
        self._next += 1
        future = self._waiting[id] = self.loop.create_future()
        self.session.on_page(kind, id, cid, payload, to, method, deadline_ms, buffers)
        return id, future

    async def request(self, kind: str, **message: Any) -> Any:
        """What came back: the value, or a dict with a code."""
        return (await self.ask(kind, **message)[1])[1]

    async def open(self, **capabilities: Capability) -> Any:
        """``capabilities``: permission names with ``_`` for ``:``."""
        self.capabilities = {name.replace("_", ":"): function for name, function in capabilities.items()}
        told = {"sessionToken": "secret", "environment": "test", "queue": "q", "locale": "en-GB",
                "capabilities": [*self.capabilities]}  # fmt: skip
        return await self.request("open", payload=json.dumps(told))

    async def load(self, name: str = NAME) -> Any:
        return await self.request("load", method=name)

    async def start(self, **capabilities: Capability) -> str:
        """Open and load; the plugin's handle."""
        await self.open(**capabilities)
        return (await self.load())["handle"]

    def begin_invoke(self, handler: str, payload: Any = None, *, to: str = "p1", deadline_ms: int = 0,
                     cid: str = "cid-1") -> tuple[str, asyncio.Future[Any]]:  # fmt: skip
        text, buffers = page_text(payload)
        return self.ask(
            "invoke", payload=text, to=to, method=handler, deadline_ms=deadline_ms, cid=cid, buffers=buffers)

    async def invoke(self, handler: str, payload: Any = None, **options: Any) -> dict[str, Any]:
        """The outcome, its shape checked."""
        kind, outcome = await self.begin_invoke(handler, payload, **options)[1]
        assert kind == "outcome"
        assert outcome["status"] in [status.value for status in Status]
        assert ("value" in outcome) == (outcome["status"] == "ok") != ("error" in outcome)
        return outcome

    async def settled(self) -> None:
        """A while in which everything under way comes to its end."""
        await asyncio.sleep(0.02)
