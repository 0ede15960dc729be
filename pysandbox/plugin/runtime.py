"""The plugin's end of its port: takes up one plugin, runs its handlers, asks the host for what was granted.

Must not know: JavaScript. `boot.py` gives it a `World`; a test joins it to the host's end in memory. Nothing here is
trusted by anybody: the host checks every message again.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence, Sized
from pathlib import Path
from types import CoroutineType
from typing import Any, NamedTuple, Protocol, cast

from pysandbox.core import binary, bundle, strict_json
from pysandbox.core.abort import AbortError
from pysandbox.core.channel import Channel
from pysandbox.core.envelope import TO_HOST, Binding, Envelope
from pysandbox.core.errors import CallError, Code, PermissionDenied, ProtocolViolation, SandboxError
from pysandbox.core.gate import ENVELOPE_FACTOR
from pysandbox.core.limits import LIMITS, default
from pysandbox.core.pending import PendingCalls
from pysandbox.core.rate import Rate
from pysandbox.plugin.hooks import Hook, Registry
from pysandbox.plugin.invocation import InvocationContext
from pysandbox.plugin.loader import describe, import_entry, unpack
from pysandbox.plugin.runner import Runner
from pysandbox.plugin.runs import RUNNING, DeadlineExceeded, Interrupts, Run
from pysandbox.plugin.settings import LoadedSettings

MAX_OUTPUT_WAITING = 128  # lines printed that wait for credit; more are dropped
MAX_LOG_WAITING = 512  # the same for ctx.log


class World(Protocol):
    """What the runtime needs of its worker."""

    folder: Path

    def post(self, text: str, buffers: Sequence[Sized]) -> None: ...
    def grant(self, messages: int) -> None: ...
    def now_ms(self) -> float: ...
    def later(self, delay_ms: float, run: Callable[[], None]) -> None: ...
    def memory(self, *, fresh: bool = False) -> tuple[int, int]:
        """Bytes in use and at most, counted lately or (``fresh``) now."""
        ...

    def interrupt_in(self, delay_ms: float) -> None:
        """Have SIGINT raised then, and only then: it replaces what was asked before."""
        ...

    def limit_files(self, max_bytes: int, max_files: int) -> None:
        """From here on so much may be added to the file system."""
        ...

    def refused_files(self) -> str:
        """The limits of files that were met since this was asked last, by name, with spaces between."""
        ...


class Failure(NamedTuple):
    """How a run of the plugin's code failed; ``layer`` if its deadline did."""

    code: Code
    message: str
    layer: str


Work = Callable[[Run, InvocationContext, Envelope], Awaitable[None]]


class PluginRuntime:
    """One worker's life: bind, load, invocations, pressure, shutdown."""

    settings: LoadedSettings

    def __init__(self, world: World) -> None:
        self._world = world
        self._registry = Registry()
        self._asked: PendingCalls[asyncio.Future[Any]] = PendingCalls()
        self._running: dict[str, tuple[Run, InvocationContext]] = {}
        self._channel: Channel | None = None
        self._line_chars = default("logLineChars")
        self._log_rate = Rate(default("logBytesPerSecond"), world.now_ms())
        self._dropped_lines = 0
        self.interrupts = Interrupts(world.now_ms, world.interrupt_in, f"{world.folder}/")
        self._runner = Runner(world.now_ms, self.interrupts, lambda error: self._log_traceback(error, ""))

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
                self._start(envelope.id, envelope, self._invoke)
            case "result" | "error":
                self._answer(envelope)
            case "abort":
                self._abort(envelope)
            case "load":
                self._start("on_load", envelope, lambda run, context, asked: self._load(run, context, asked, buffers))
            case "ping":
                self._send("pong", envelope.id, envelope.cid, "null")
            case "pressure":
                self._start("on_memory_pressure", envelope, self._free)
            case "shutdown":
                self._start("on_unload", envelope, self._shut_down)
            case _:
                raise ProtocolViolation("kind")

    def _send(self, kind: str, id: str, cid: str, payload: str, **more: Any) -> None:
        assert self._channel is not None
        self._channel.send(kind, id, cid, payload, **more)

    def _start(self, name: str, envelope: Envelope, work: Work) -> None:
        deadline_ms = self._world.now_ms() + envelope.deadline_ms
        context = InvocationContext(self, name, envelope.cid, deadline_ms)
        run = Run(deadline_ms, lambda: self._refuse_task(context))
        self._running[name] = run, context
        self._runner.start(run, context, self._supervised(name, run, context, work, envelope))

    async def _supervised(
        self, name: str, run: Run, context: InvocationContext, work: Work, envelope: Envelope,
    ) -> None:  # fmt: skip
        try:
            await work(run, context, envelope)
        finally:
            self._runner.end(run, context)
            del self._running[name]

    async def _watched(self, run: Run, context: InvocationContext, work: Callable[[], Any]) -> Failure | None:
        """Runs the plugin's code. Whatever it raises ends here, and so does its time."""
        error: BaseException | None = None
        try:
            result = work()
            if isinstance(result, CoroutineType):
                await cast(Coroutine[Any, Any, Any], result)
        except BaseException as raised:  # noqa: BLE001 - also what would end a process: here it ends a run, and only that
            error = raised
        self._runner.close(run)
        if error is not None:
            self._log_error(error, context)
        if self._runner.is_late(run):
            return Failure(Code.PLUGIN_TIMEOUT, "it did not end by its deadline", run.layer)
        reason = context.signal.reason
        if error is not None and (run.interrupted or run.cancelled) and isinstance(reason, AbortError):
            return Failure(reason.code, reason.message, "")
        return None if error is None else Failure(*classify(error), "")

    # --- taking up a plugin ---
    async def _load(
        self, run: Run, context: InvocationContext, envelope: Envelope, buffers: Sequence[bytes],
    ) -> None:  # fmt: skip
        job = cast(Mapping[str, Any], strict_json.loads(envelope.payload))

        async def take_up() -> None:
            self.settings = LoadedSettings(job, lambda: self._world.now_ms() / 1000)
            self._line_chars = self.settings.limit("logLineChars")
            # A tenth is kept back for the lines that say what was dropped, and for the host's own count.
            self._log_rate = Rate(self.settings.limit("logBytesPerSecond") * 9 // 10, self._world.now_ms())
            unpack(bundle.read_bundle(buffers[0], max_bytes=default("bundleBytes")), self._world.folder)
            self._world.limit_files(self.settings.limit("fileBytes"), self.settings.limit("files"))
            self._registry = import_entry(job["entry"], self._world.folder)
            if not self._registry.handlers:
                raise SandboxError(Code.PLUGIN_IMPORT_FAILED, f"{job['entry']!r} has no @handler")
            try:
                await call_hook(self._registry.on_load, context)
            except (DeadlineExceeded, MemoryError):
                raise
            except BaseException as error:
                raise SandboxError(Code.PLUGIN_IMPORT_FAILED, f"on_load failed: {describe(error)}") from error

        failure = await self._watched(run, context, take_up)
        if failure is None:
            handlers = strict_json.dumps({"handlers": sorted(self._registry.handlers)})
            self._send("loaded", envelope.id, envelope.cid, handlers, memory=self._world.memory())
        elif failure.code is Code.PLUGIN_TIMEOUT:
            self._fail(envelope, failure._replace(message="the import and on_load took longer than onLoadMs"))
        elif failure.code is Code.PLUGIN_ERROR:  # such as a disk that is full: told, else the load only times out
            message = f"the plugin could not be unpacked: {failure.message}"
            self._fail(envelope, failure._replace(code=Code.PLUGIN_IMPORT_FAILED, message=message))
        else:
            self._fail(envelope, failure)

    # --- invocations ---
    async def _invoke(self, run: Run, context: InvocationContext, envelope: Envelope) -> None:
        handler = self._registry.handlers.get(envelope.method)
        if handler is None:
            known = ", ".join(sorted(self._registry.handlers)) or "none"
            message = f"no handler {envelope.method!r}; this plugin has: {known}"
            self._fail(envelope, Failure(Code.HANDLER_NOT_FOUND, message, ""))
            return
        text, buffers = "null", ()

        async def handle() -> None:
            nonlocal text, buffers
            value = handler(self._read(envelope), context)
            if isinstance(value, CoroutineType):
                value = await cast(Coroutine[Any, Any, Any], value)
            text, buffers = self._written(value, context)

        failure = await self._watched(run, context, handle)
        self._note_files(context)
        self._tell_dropped(envelope.cid)
        if failure is None:
            self._send("result", envelope.id, envelope.cid, text, memory=self._world.memory(), buffers=buffers)
        else:
            self._fail(envelope, failure)

    def _written(self, value: object, context: InvocationContext) -> tuple[str, tuple[bytes, ...]]:
        text, buffers = binary.dumps(value, max_chars=LIMITS["resultChars"].ceiling, limit=self.settings.limit)
        name = min("resultChars", "messageChars", key=self.settings.limit)
        if len(text) > self.settings.limit(name):
            context.hit(name)
            raise SandboxError(
                Code.MESSAGE_LIMIT, f"the result is {len(text)} characters long: see isolation.limits.{name}")
        return text, buffers

    def _read(self, envelope: Envelope) -> object:
        try:
            value = strict_json.loads(envelope.payload, max_chars=self.settings.message_chars)
            return binary.join(value, envelope.buffers)
        except ProtocolViolation as fault:
            code = fault.code if fault.code is Code.MESSAGE_LIMIT else Code.INPUT_INVALID
            raise SandboxError(code, f"the payload cannot be used: {fault.message}") from None

    def _abort(self, envelope: Envelope) -> None:
        found = self._running.get(envelope.id)
        if found is not None:
            code = Code.PLUGIN_TIMEOUT if envelope.payload == '"timeout"' else Code.PLUGIN_ABORTED
            self._runner.stop(*found, AbortError(code=code))

    def _fail(self, envelope: Envelope, failure: Failure) -> None:
        told = {"code": failure.code.value, "message": clean(failure.message)}
        if failure.layer:
            told["layer"] = failure.layer
        self._send("error", envelope.id, envelope.cid, strict_json.dumps(told), memory=self._world.memory())

    # --- budgets ---
    def _refuse_task(self, context: InvocationContext) -> SandboxError | None:
        if self._runner.live_tasks < self.settings.limit("tasks"):
            return None
        return context.over("tasks", "too many tasks that have not ended")

    def _note_files(self, context: InvocationContext) -> None:
        for name in self._world.refused_files().split():
            context.hit(name)

    # --- pressure, and the end ---
    async def _free(self, run: Run, context: InvocationContext, envelope: Envelope) -> None:
        await self._watched(run, context, lambda: call_hook(self._registry.on_memory_pressure, context))
        self.settings.cache.drop_expired()
        gc.collect()
        self._send("result", envelope.id, envelope.cid, "null", memory=self._world.memory(fresh=True))

    async def _shut_down(self, run: Run, context: InvocationContext, envelope: Envelope) -> None:
        failure = await self._watched(run, context, lambda: call_hook(self._registry.on_unload, context))
        left = Counter(self._runner.left)
        left["calls"] += sum(not future.done() for _, future in self._asked.items())
        cache = self.settings.cache
        report = {name: left[name] for name in ("timers", "listeners", "tasks", "calls")}
        told = {**report, "cacheEntries": len(cache), "cacheBytes": cache.bytes_used,
                "error": clean(f"on_unload: {failure.message}")[:500] if failure else None}  # fmt: skip
        cache.clear()
        self._runner.end_all(run)
        self._send("bye", envelope.id, envelope.cid, strict_json.dumps(told), memory=self._world.memory())

    # --- guarded calls ---
    def ask(
        self, invocation: str, method: str, args: str, buffers: Sequence[Sized]
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        found = self._running.get(invocation)
        cid = found[1].correlation_id if found else ""
        self._send("call", self._asked.open(future), cid, args, method=method, buffers=buffers)
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

    def log(self, cid: str, payload: str, most_waiting: int = MAX_LOG_WAITING) -> None:
        """A log line; what is beyond the budget, or has no room on the way out, is dropped and counted."""
        assert self._channel is not None
        if self._channel.waiting >= most_waiting or not self._log_rate.take(len(payload), self._world.now_ms()):
            self._dropped_lines += 1
            return
        self._tell_dropped(cid)
        self.tell("log", cid, payload)

    def _tell_dropped(self, cid: str) -> None:
        assert self._channel is not None
        if self._dropped_lines and self._channel.waiting < MAX_LOG_WAITING:
            count, self._dropped_lines = self._dropped_lines, 0
            message = f"{count} log lines were dropped: see isolation.limits.logBytesPerSecond"
            fields = {"limit": "logBytesPerSecond", "dropped": count}
            self.tell("log", cid, strict_json.dumps({"level": "warning", "message": message, "fields": fields}))

    def write_output(self, stream: str, text: str) -> None:
        """What the plugin printed goes to its log."""
        if text.strip():
            level = "info" if stream == "stdout" else "warning"
            cid = next((context.correlation_id for run, context in self._running.values() if run is RUNNING.get()), "")
            line = {"level": level, "message": clean(text, self._line_chars), "fields": {"stream": stream}}
            self.log(cid, strict_json.dumps(line), MAX_OUTPUT_WAITING)

    def _log_error(self, error: BaseException, context: InvocationContext) -> None:
        """For the author: where it happened, unless the code says it all."""
        if isinstance(error, DeadlineExceeded) or classify(error)[0] in (
                Code.PLUGIN_ERROR, Code.PLUGIN_IMPORT_FAILED):  # fmt: skip
            self._log_traceback(error.__cause__ or error, context.correlation_id)

    def _log_traceback(self, error: BaseException, cid: str) -> None:
        lines = "".join(traceback.format_exception(error))[-2000:]
        self.log(cid, strict_json.dumps({"level": "error", "message": clean(lines), "fields": {"traceback": True}}))


async def call_hook(hook: Hook | None, context: InvocationContext) -> None:
    """Run a hook of the plugin, if it has one."""
    result = hook(context) if hook is not None else None
    if isinstance(result, CoroutineType):
        await cast(Coroutine[Any, Any, Any], result)


def classify(error: BaseException) -> tuple[Code, str]:
    """What a handler's exception means: a code, and one line for its author."""
    if isinstance(error, SandboxError):
        return error.code, error.message
    if isinstance(error, MemoryError):
        return Code.MEMORY_LIMIT, "the plugin ran out of memory"
    if isinstance(error, asyncio.CancelledError):
        return Code.PLUGIN_ERROR, "the handler cancelled itself"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Code.PLUGIN_ERROR, f"{describe(error)}: see isolation.limits.fileBytes and isolation.limits.files"
    return Code.PLUGIN_ERROR, describe(error)


def clean(text: str, max_chars: int = 2000) -> str:
    """Text that can cross: no lone surrogates, bounded length."""
    return text[:max_chars].encode("utf-8", "replace").decode()
