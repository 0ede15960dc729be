"""The plugin's end of its port: takes up one plugin, runs its handlers, asks the host for what was granted.

Must not know: JavaScript. `boot.py` gives it a `World`; a test joins it to the host's end in memory. Nothing here is
trusted by anybody: the host checks every message again.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence, Sized
from pathlib import Path
from types import CoroutineType
from typing import Any, Protocol, cast

from pysandbox.core import binary, bundle, strict_json
from pysandbox.core.abort import AbortError
from pysandbox.core.channel import Channel
from pysandbox.core.envelope import TO_HOST, Binding, Envelope
from pysandbox.core.errors import CallError, Code, PermissionDenied, ProtocolViolation, SandboxError
from pysandbox.core.gate import ENVELOPE_FACTOR
from pysandbox.core.limits import LIMITS, default
from pysandbox.core.pending import PendingCalls
from pysandbox.plugin.cache import PluginCache
from pysandbox.plugin.hooks import Hook, Registry
from pysandbox.plugin.invocation import InvocationContext
from pysandbox.plugin.loader import describe, import_entry, unpack

MAX_OUTPUT_WAITING = 128  # lines printed that wait for credit; more are dropped
_EAGER: Mapping[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


class World(Protocol):
    """What the runtime needs of its worker."""

    folder: Path

    def post(self, text: str, buffers: Sequence[Sized]) -> None: ...
    def grant(self, messages: int) -> None: ...
    def now_ms(self) -> float: ...
    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...
    def memory(self) -> tuple[int, int]: ...


class LoadedSettings:
    """`Settings` of the plugin that was taken up."""

    def __init__(self, job: Mapping[str, Any], clock: Callable[[], float]) -> None:
        context = job["context"]
        self._limits: Mapping[str, int] = job["limits"]
        self.plugin_id: str = job["pluginId"]
        self.environment: str = context["environment"]
        self.queue: str = context["queue"]
        self.locale: str = context["locale"]
        self.permissions: tuple[str, ...] = tuple(job["permissions"])
        self.cache = PluginCache(
            clock, max_entries=self.limit("cacheEntries"), max_bytes=self.limit("cacheBytes"))
        self.message_chars = self.limit("messageChars")

    def limit(self, name: str) -> int:
        """A budget of the manifest, or its default."""
        return self._limits.get(name, default(name))


class PluginRuntime:
    """One worker's life: bind, load, invocations."""

    settings: LoadedSettings

    def __init__(self, world: World) -> None:
        self._world = world
        self._registry = Registry()
        self._asked: PendingCalls[asyncio.Future[Any]] = PendingCalls()
        self._running: dict[str, InvocationContext] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._channel: Channel | None = None

    # --- the port ---
    def bind(self, binding: Binding) -> None:
        """Take the port up: from here on every message is sealed for this plugin, session and generation."""
        self._channel = Channel(
            binding, TO_HOST, self._world, credit=binding.credit,
            max_chars=LIMITS["messageChars"].ceiling * ENVELOPE_FACTOR)
        self._send("ready", "", "", "null")

    def on_message(self, text: str, buffers: Sequence[bytes] = ()) -> None:
        """One message from the host. A violation here means that the port is not the host's: nothing is answered."""
        assert self._channel is not None
        envelope = self._channel.receive(text, buffers)
        if envelope is None:
            return
        match envelope.kind:
            case "call":
                self._start(envelope.id, self._invoke(envelope))
            case "result" | "error":
                self._answer(envelope)
            case "abort":
                self._abort(envelope)
            case "load":
                self._start(envelope.id, self._load(envelope, buffers))
            case "ping":
                self._send("pong", envelope.id, envelope.cid, "null")
            case _:
                raise ProtocolViolation("kind")

    def _send(self, kind: str, id: str, cid: str, payload: str, **more: Any) -> None:
        assert self._channel is not None
        self._channel.send(kind, id, cid, payload, **more)

    def _start(self, id: str, work: Coroutine[Any, Any, None]) -> None:
        loop = asyncio.get_running_loop()
        # Eager: a handler that never waits is done before this returns.
        task: asyncio.Task[None] = asyncio.Task(work, loop=loop, **_EAGER)
        if not task.done():
            self._tasks[id] = task
            task.add_done_callback(lambda _done: self._tasks.pop(id, None))

    # --- taking up a plugin ---
    async def _load(self, envelope: Envelope, buffers: Sequence[bytes]) -> None:
        try:
            job = cast(Mapping[str, Any], strict_json.loads(envelope.payload))
            self.settings = LoadedSettings(job, lambda: self._world.now_ms() / 1000)
            unpack(bundle.read_bundle(buffers[0], max_bytes=default("bundleBytes")), self._world.folder)
            self._registry = import_entry(job["entry"], self._world.folder)
            if not self._registry.handlers:
                raise SandboxError(Code.PLUGIN_IMPORT_FAILED, f"{job['entry']!r} has no @handler")
            await self._run_hook(self._registry.on_load, "on_load", envelope)
        except SandboxError as error:
            self._log_traceback(error.__cause__ or error, envelope.cid)
            self._fail(envelope, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - such as a disk that is full: told, else the load only times out
            self._log_traceback(error, envelope.cid)
            self._fail(envelope, Code.PLUGIN_IMPORT_FAILED, f"the plugin could not be unpacked: {describe(error)}")
        else:
            handlers = strict_json.dumps({"handlers": sorted(self._registry.handlers)})
            self._send("loaded", envelope.id, envelope.cid, handlers, memory=self._world.memory())

    async def _run_hook(self, hook: Hook | None, name: str, envelope: Envelope) -> None:
        if hook is None:
            return
        context = InvocationContext(self, name, envelope.cid, self._world.now_ms() + envelope.deadline_ms)
        try:
            result = hook(context)
            if isinstance(result, CoroutineType):
                await cast(Coroutine[Any, Any, Any], result)
        except MemoryError as error:
            raise SandboxError(Code.MEMORY_LIMIT, f"{name} ran out of memory") from error
        except BaseException as error:
            raise SandboxError(Code.PLUGIN_IMPORT_FAILED, f"{name} failed: {describe(error)}") from error
        finally:
            context.end()

    # --- invocations ---
    async def _invoke(self, envelope: Envelope) -> None:
        handler = self._registry.handlers.get(envelope.method)
        if handler is None:
            known = ", ".join(sorted(self._registry.handlers)) or "none"
            self._fail(envelope, Code.HANDLER_NOT_FOUND, f"no handler {envelope.method!r}; this plugin has: {known}")
            return
        context = InvocationContext(self, envelope.id, envelope.cid, self._world.now_ms() + envelope.deadline_ms)
        self._running[envelope.id] = context
        try:
            value = handler(self._read(envelope), context)
            if isinstance(value, CoroutineType):
                value = await cast(Coroutine[Any, Any, Any], value)
            text, buffers = binary.dumps(
                value, max_chars=self.settings.message_chars, limit=self.settings.limit)
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises ends its invocation, and only that
            code, message = classify(error)
            if code is Code.PLUGIN_ERROR:
                self._log_traceback(error, envelope.cid)
            self._fail(envelope, code, message)
        else:
            self._send("result", envelope.id, envelope.cid, text, memory=self._world.memory(), buffers=buffers)
        finally:
            context.end()
            del self._running[envelope.id]

    def _read(self, envelope: Envelope) -> object:
        try:
            value = strict_json.loads(envelope.payload, max_chars=self.settings.message_chars)
            return binary.join(value, envelope.buffers)
        except ProtocolViolation as fault:
            code = fault.code if fault.code is Code.MESSAGE_LIMIT else Code.INPUT_INVALID
            raise SandboxError(code, f"the payload cannot be used: {fault.message}") from None

    def _abort(self, envelope: Envelope) -> None:
        context = self._running.get(envelope.id)
        if context is None:
            return
        code = Code.PLUGIN_TIMEOUT if envelope.payload == '"timeout"' else Code.PLUGIN_ABORTED
        context.abort(AbortError(code=code))

    def _fail(self, envelope: Envelope, code: Code, message: str) -> None:
        body = strict_json.dumps({"code": code.value, "message": clean(message)})
        self._send("error", envelope.id, envelope.cid, body, memory=self._world.memory())

    # --- guarded calls ---
    def ask(
        self, invocation: str, method: str, args: str, buffers: Sequence[Sized]
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        context = self._running.get(invocation)
        self._send("call", self._asked.open(future), context.correlation_id if context else "", args, method=method,
                   buffers=buffers)
        return future

    def withdraw(self, future: asyncio.Future[Any]) -> None:
        """The caller gave up. The call's id stays open for the reply that is on its way, which is then dropped."""
        for id, waiting in self._asked.items():
            if waiting is future:
                self._send("abort", id, "", "null")
                return

    def _answer(self, envelope: Envelope) -> None:
        future = self._asked.settle(envelope.id)
        if future.done():
            return
        try:
            value = cast(Any, self._read(envelope))
        except SandboxError as fault:
            future.set_exception(CallError(Code.CAPABILITY_FAILED, fault.message))
            return
        if envelope.kind == "result":
            future.set_result(value)
        elif value["code"] == Code.PERMISSION_DENIED:
            future.set_exception(PermissionDenied(value.get("permission", "?"), value["message"]))
        else:
            future.set_exception(CallError(Code(value["code"]), value["message"]))

    def now_ms(self) -> float:
        return self._world.now_ms()

    def tell(self, kind: str, cid: str, payload: str) -> None:
        self._send(kind, "", cid, payload)

    def write_output(self, stream: str, text: str) -> None:
        """What the plugin printed goes to its log, as long as there is room on the way out."""
        assert self._channel is not None
        if text.strip() and self._channel.waiting < MAX_OUTPUT_WAITING:
            level = "info" if stream == "stdout" else "warning"
            body = strict_json.dumps({"level": level, "message": clean(text), "fields": {"stream": stream}})
            self.tell("log", "", body)

    def _log_traceback(self, error: BaseException, cid: str) -> None:
        lines = "".join(traceback.format_exception(error))[-2000:]
        body = strict_json.dumps({"level": "error", "message": clean(lines), "fields": {"traceback": True}})
        self.tell("log", cid, body)


def classify(error: BaseException) -> tuple[Code, str]:
    """What a handler's exception means: a code, and one line for its author."""
    if isinstance(error, SandboxError):
        return error.code, error.message
    if isinstance(error, MemoryError):
        return Code.MEMORY_LIMIT, "the plugin ran out of memory"
    if isinstance(error, asyncio.CancelledError):
        return Code.PLUGIN_ERROR, "the handler cancelled itself"
    return Code.PLUGIN_ERROR, describe(error)


def clean(text: str) -> str:
    """Text that can cross: no lone surrogates, bounded length."""
    return text.encode("utf-8", "replace").decode()[:2000]
