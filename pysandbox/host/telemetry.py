"""What is told of plugins, made where it happens: records without people in them, kept until the gateway has them.

While a plugin runs only facts are noted; records are made of them a moment later. Nothing leaves this module that was
not redacted, and without the session's key nothing is noted at all. Must not know: JavaScript, how a request travels.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import SandboxError
from pysandbox.core.manifest import Manifest
from pysandbox.core.outcome import Outcome
from pysandbox.core.telemetry import record
from pysandbox.core.telemetry.outbox import MAX_RECORDS, Outbox
from pysandbox.core.telemetry.redact import Redactor, keyed_hash

MAKE_MS: Final = 50
"""After what happened: the answer goes out first."""
SEND_MS: Final = 1000
HELD_CHARS: Final = 55_000
"""What the browser may send when the page is gone is 64 KB, in bytes."""
HASHED_CHARS: Final = 4096
_MB: Final = 1024 * 1024
_as_text: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""Of a record, which is made here of what strict JSON was judged before: a second look would cost a third of it."""


class Teller(Protocol):
    """A plugin that something is told of; see `LivePlugin`."""

    generation: int
    handlers: Sequence[str]

    @property
    def manifest(self) -> Manifest: ...
    @property
    def log_words(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Ran:
    """One invocation that has ended."""

    cid: str
    method: str
    payload: str
    outcome: Outcome
    limits: Mapping[str, int]
    proxied: int
    network_ms: float
    span: str
    """Of whom its requests to the gateway say that they are part."""


@dataclass(frozen=True, slots=True)
class _Fact:
    at_ms: float
    plugin: Teller
    generation: int
    what: Ran | tuple[str, str] | tuple[str, str, str]
    """An invocation; or a log line (correlation id, payload); or an alert (code, rule, evidence)."""


Send = Callable[[str], Awaitable[bool]]
"""Whether the gateway has taken the body; False: it never will. Raises `SandboxError` where it may later."""


class World(Protocol):
    """What of the host's world is needed here."""

    def epoch_ms(self) -> float: ...
    def random_hex(self, count: int) -> str: ...
    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...
    def begin(self, work: Any) -> None: ...


class Telemetry:
    """One session's. ``context()``: environment and queue as the page said; ``hold(body)``: what the host frame sends
    should the page end now."""

    def __init__(
        self, world: World, send: Send, hold: Callable[[str], None], context: Callable[[], Mapping[str, str]],
        *, key: str, ahead_ms: float,
    ) -> None:  # fmt: skip
        self._world = world
        self._send = send
        self._hold = hold
        self._context = context
        self._key = bytes.fromhex(key)
        self._ahead_ms = ahead_ms
        self._facts: deque[_Fact] = deque()
        self._outbox = Outbox(lambda: int(world.random_hex(2), 16) / 65_535)
        self._redactors: dict[frozenset[str], Redactor] = {}
        self._making = False  # a moment from now
        self._waiting = False  # for the time to send
        self._sending = False
        self._over = False

    def ran(self, plugin: Teller, ran: Ran) -> None:
        self._note(plugin, ran)

    def logged(self, plugin: Teller, cid: str, payload: str) -> None:
        """``payload``: the worker's own JSON, judged by the gate and counted against its budget before."""
        self._note(plugin, (cid, payload))

    def alerted(self, plugin: Teller, code: str, rule: str, evidence: str) -> None:
        self._note(plugin, (code, rule, evidence))

    def _note(self, plugin: Teller, what: Ran | tuple[str, str] | tuple[str, str, str]) -> None:
        if len(self._facts) >= MAX_RECORDS:
            self._facts.popleft()
            self._outbox.gap += 1
        self._facts.append(_Fact(self._world.epoch_ms(), plugin, plugin.generation, what))
        if not self._making:
            self._making = True
            self._world.later(MAKE_MS, self._make)

    def _make(self) -> None:
        self._making = False
        while self._facts:
            self._outbox.put(_as_text(self._record(self._facts.popleft())))
        self._hold(self._outbox.waiting(HELD_CHARS))
        self._send_in(SEND_MS)

    def _send_in(self, delay_ms: float) -> None:
        if not self._waiting and not self._over:
            self._waiting = True
            self._world.later(delay_ms, self._send_now)

    def _send_now(self) -> None:
        self._waiting = False
        if not self._sending and not self._over:
            self._world.begin(self._send_all())

    async def flush(self) -> None:
        """Send what there is, once, because the session ends."""
        self._over = True
        while self._facts:
            self._outbox.put(_as_text(self._record(self._facts.popleft())))
        if not self._sending:
            await self._send_all()

    async def _send_all(self) -> None:
        """Batch after batch, until there is nothing left or one fails, which is tried again later."""
        self._sending = True
        while body := self._outbox.batch():
            gap = self._outbox.gap
            try:
                taken = await self._send(body)
            except SandboxError:
                self._sending = False
                self._send_in(self._outbox.failed())
                return
            if taken:
                self._outbox.acknowledged(gap)
            else:
                self._outbox.refused()
        self._sending = False
        self._hold("")

    # --- from facts to records ---
    def _record(self, fact: _Fact) -> dict[str, Any]:
        kind = "invocation" if isinstance(fact.what, Ran) else "log" if len(fact.what) == 2 else "alert"
        manifest, context = fact.plugin.manifest, self._context()
        told: dict[str, Any] = {
            **record.empty(kind), "id": self._id(fact.what), "timestamp": _iso(fact.at_ms + self._ahead_ms),
            "pluginId": manifest.plugin_id, "vendor": record.vendor_of(manifest.plugin_id),
            "version": manifest.version, "executionContext": manifest.type, "generation": fact.generation,
            "environment": context.get("environment", "")[:64], "queue": context.get("queue", "")[:128]}
        redactor = self._redactor(fact.plugin.log_words)
        if isinstance(fact.what, Ran):
            told.update(self._of_run(fact.what, fact.plugin, redactor))
        elif len(fact.what) == 2:
            told.update(_of_log(*fact.what, redactor))
        else:
            code, rule, evidence = fact.what
            told.update(code=code, alert={"code": code, "rule": rule[:128], "evidence": evidence[:64]})
        return told

    def _id(self, what: object) -> str:
        """Its first half is a run's span."""
        return what.span + self._world.random_hex(8) if isinstance(what, Ran) else self._world.random_hex(16)

    def _of_run(self, ran: Ran, plugin: Teller, redactor: Redactor) -> dict[str, Any]:
        outcome, error = ran.outcome, ran.outcome.error
        status = outcome.status.value
        shown = redactor.text(error.message) if error else None
        return {
            "correlationId": ran.cid, "handler": ran.method if ran.method in plugin.handlers else "",
            "status": status, "code": error.code.value if error else None,
            "metrics": {
                "durationMs": round(max(0.0, outcome.duration_ms), 1),
                "memoryUsedMB": round(outcome.memory.bytes / _MB, 1), "networkLatencyMs": round(ran.network_ms, 1),
                "statusCode": record.status_code(status)},
            "payloadHash": keyed_hash(self._key, f"{len(ran.payload)}:{ran.payload[:HASHED_CHARS]}"),
            "payloadBytes": {"in": _bytes(ran.payload), "out": 0 if error else _bytes(outcome.value)},
            "proxyCalls": ran.proxied, "limitsHit": dict(list(ran.limits.items())[:40]),
            "errorDetails": {"code": error.code.value, "message": shown.text, "layer": outcome.layer}
            if error and shown else None, "masked": shown.masked if shown else 0}

    def _redactor(self, words: frozenset[str]) -> Redactor:
        found = self._redactors.get(words)
        if found is None:
            found = self._redactors[words] = Redactor(words)
        return found


def _of_log(cid: str, payload: str, redactor: Redactor) -> dict[str, Any]:
    told = cast("dict[str, Any]", strict_json.loads(payload))
    fields = told.get("fields")
    shown = redactor.text(str(told.get("message")))
    kept, masked = redactor.fields(cast("dict[str, object]", fields) if isinstance(fields, dict) else {})
    level = told.get("level")
    return {
        "correlationId": cid, "masked": shown.masked + masked, "log": {
            "level": level if level in record.LEVELS else "info", "message": shown.text, "fields": kept}}


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _iso(at_ms: float) -> str:
    whole_s, ms = divmod(int(at_ms), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole_s))}.{ms:03}Z"
