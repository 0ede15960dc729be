"""One invocation as the plugin sees it: the real `Context`, good until the invocation ends.

Must not know: JavaScript, envelopes. It asks the `Services` of the runtime for everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Sized
from typing import Any, Protocol, cast

from pysandbox.core import binary, strict_json
from pysandbox.core.abort import AbortController, AbortError, AbortSignal
from pysandbox.core.envelope import METHOD
from pysandbox.core.errors import CallError, Code, PermissionDenied
from pysandbox.core.permissions import MAX_CHARS
from pysandbox.plugin.context import Cache, ProxyResponse
from pysandbox.plugin.loader import describe

PROXY_PERMISSION = "integration:proxy:invoke"
OVER = "the invocation has ended; its context is of no more use"


class Settings(Protocol):
    """What stays the same for every invocation of a loaded plugin."""

    @property
    def plugin_id(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def permissions(self) -> tuple[str, ...]: ...
    @property
    def cache(self) -> Cache: ...
    def limit(self, name: str) -> int:
        """A budget of the manifest, or its default; see `pysandbox.core.limits`."""
        ...


class Services(Protocol):
    """What the runtime does for an invocation."""

    @property
    def settings(self) -> Settings: ...
    def now_ms(self) -> float: ...
    def ask(self, invocation: str, method: str, args: str, buffers: Sequence[Sized]) -> asyncio.Future[Any]: ...
    def withdraw(self, future: asyncio.Future[Any]) -> None: ...
    def tell(self, kind: str, cid: str, payload: str) -> None: ...
    def log(self, cid: str, payload: str) -> None:
        """A log line, as far as the budget of log lines goes."""
        ...


class TimerHandle:
    """A timer set through the context; ``cancel()`` ends it."""

    def __init__(self) -> None:
        self.handle: asyncio.TimerHandle | None = None
        self.over = False  # fired or cancelled

    def cancel(self) -> None:
        self.over = True
        if self.handle is not None:
            self.handle.cancel()


class InvocationLog:
    """``ctx.log``: one message a line, fields as JSON."""

    def __init__(self, write: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        self._write = write

    def debug(self, message: str, **fields: Any) -> None:
        self._write("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)


class InvocationContext:
    """Implements `pysandbox.plugin.Context`."""

    def __init__(self, services: Services, id: str, cid: str, deadline_ms: float) -> None:
        self._services = services
        self._id = id
        self._deadline_ms = deadline_ms
        self._ended = False
        self._timers: list[TimerHandle] = []
        self._waiting: set[asyncio.Future[Any]] = set()
        self._lines = self._events = 0
        self._hits: set[str] = set()
        self.controller = AbortController(self._listener_failed)
        self.correlation_id = cid
        self.log = InvocationLog(self._write_log)
        self.proxy = GuardedProxy(self)

    # --- what it knows ---
    @property
    def environment(self) -> str:
        return self._services.settings.environment

    @property
    def queue(self) -> str:
        return self._services.settings.queue

    @property
    def locale(self) -> str:
        return self._services.settings.locale

    @property
    def plugin_id(self) -> str:
        return self._services.settings.plugin_id

    @property
    def permissions(self) -> tuple[str, ...]:
        return self._services.settings.permissions

    @property
    def cache(self) -> Cache:
        return self._services.settings.cache

    @property
    def signal(self) -> AbortSignal:
        return self.controller.signal

    @property
    def remaining_ms(self) -> int:
        return max(0, int(self._deadline_ms - self._services.now_ms()))

    # --- what it may do ---
    async def call(self, permission: str, args: Any = None) -> Any:
        self._check_live()
        if not METHOD.fullmatch(permission):  # no envelope can carry it, so nobody would ever answer
            raise PermissionDenied(permission, f"{permission[:MAX_CHARS]!a} is no permission's name")
        text, buffers = binary.dumps(args, limit=self._services.settings.limit)
        payload = f'{{"invocation":"{self._id}","args":{text}}}'
        return await self.guard(self._services.ask(self._id, permission, payload, buffers))

    async def guard(self, future: asyncio.Future[Any]) -> Any:
        """Wait for ``future`` or the signal, whichever is first; a call that lost is withdrawn, not forgotten."""
        signal = self.signal

        def give_up() -> None:
            self._give_up(future, signal.reason or AbortError())

        signal.add_listener(give_up)
        self._waiting.add(future)
        try:
            return await future
        except asyncio.CancelledError:  # such as asyncio.wait_for's
            self._services.withdraw(future)
            raise
        finally:
            self._waiting.discard(future)
            signal.remove_listener(give_up)

    def _give_up(self, future: asyncio.Future[Any], reason: Exception) -> None:
        if not future.done():
            self._services.withdraw(future)
            future.set_exception(reason)

    def emit(self, event: str, data: Any = None) -> None:
        self._check_live()
        body = strict_json.dumps({"event": str(event)[:128], "data": data})
        self._count_event()
        self._services.tell("event", self.correlation_id, body)

    def progress(self, fraction: float, message: str = "") -> None:
        self._check_live()
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction!r}")
        body = strict_json.dumps({"invocation": self._id, "fraction": float(fraction), "message": str(message)[:200]})
        self._count_event()
        self._services.tell("progress", self.correlation_id, body)

    def _count_event(self) -> None:
        if self._events >= self._services.settings.limit("eventsPerInvocation"):
            raise self.over("eventsPerInvocation", "too many events and progress notes in one invocation")
        self._events += 1

    def set_timeout(self, fn: Callable[[], Any], ms: int) -> TimerHandle:
        timer = self._new_timer()
        timer.handle = asyncio.get_running_loop().call_later(max(0, ms) / 1000, self._fire, timer, fn, 0)
        return timer

    def set_interval(self, fn: Callable[[], Any], ms: int) -> TimerHandle:
        timer = self._new_timer()
        every_s = max(self._services.settings.limit("timerFloorMs"), ms) / 1000
        timer.handle = asyncio.get_running_loop().call_later(every_s, self._fire, timer, fn, every_s)
        return timer

    async def sleep(self, ms: int) -> None:
        self._check_live()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        handle = asyncio.get_running_loop().call_later(max(0, ms) / 1000, _wake, future)
        try:
            await self.guard(future)
        finally:
            handle.cancel()

    # --- budgets ---
    def hit(self, name: str) -> None:
        """Say that a limit was met: once for each, that telemetry can count it."""
        if name not in self._hits:
            self._hits.add(name)
            note = {"level": "warning", "message": f"isolation.limits.{name} was reached", "fields": {"limit": name}}
            self._services.tell("log", self.correlation_id, strict_json.dumps(note))

    def over(self, name: str, what: str) -> CallError:
        """What the author is told of a budget that is used up."""
        self.hit(name)
        return CallError(Code.RATE_LIMIT, f"{what}: see isolation.limits.{name}")

    # --- how it ends ---
    def end(self) -> Mapping[str, int]:
        """The invocation is over: timers and calls still waiting end, and every later call raises. What was left."""
        self._ended = True
        timers = [timer for timer in self._timers if not timer.over]
        waiting = list(self._waiting)
        listeners = self.signal.listener_count - len(waiting)  # each wait has one
        self._stop_timers()
        for future in waiting:
            self._give_up(future, AbortError(OVER))
        return {"timers": len(timers), "listeners": listeners, "calls": len(waiting)}

    def abort(self, error: AbortError) -> None:
        """Fire the signal: waits and calls raise, timers stop."""
        self._stop_timers()
        self.controller.abort(error)

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _check_live(self) -> None:
        if self._ended:
            raise AbortError(OVER)
        self.signal.throw_if_aborted()

    def _new_timer(self) -> TimerHandle:
        self._check_live()
        self._timers = [timer for timer in self._timers if not timer.over]
        if len(self._timers) >= self._services.settings.limit("timers"):
            raise self.over("timers", "too many timers at once; cancel some")
        timer = TimerHandle()
        self._timers.append(timer)
        return timer

    def _fire(self, timer: TimerHandle, fn: Callable[[], Any], every_s: float) -> None:
        if timer.over or self._ended:
            return
        if every_s:
            timer.handle = asyncio.get_running_loop().call_later(every_s, self._fire, timer, fn, every_s)
        else:
            timer.over = True
        try:
            result = fn()
            if isinstance(result, Awaitable):
                asyncio.ensure_future(cast(Awaitable[Any], result)).add_done_callback(self._timer_done)
        except BaseException as error:  # noqa: BLE001 - the plugin's own function; it may not reach the loop
            self._timer_failed(error)

    def _timer_done(self, task: asyncio.Future[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._timer_failed(error)

    def _timer_failed(self, error: BaseException) -> None:
        self.log.error(f"a timer's function raised {describe(error)}")

    def _listener_failed(self, error: Exception) -> None:
        self.log.error(f"a listener of ctx.signal raised {describe(error)}")

    def _write_log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Lines past the budget are dropped; the last one that goes out says so."""
        limit = self._services.settings.limit("logLinesPerInvocation")
        self._lines += 1
        if self._lines > limit:
            self.hit("logLinesPerInvocation")
            return
        text = str(message)[:self._services.settings.limit("logLineChars")]
        if self._lines == limit:
            text += " (the last line: see isolation.limits.logLinesPerInvocation)"
        self._services.log(
            self.correlation_id, strict_json.dumps({"level": level, "message": text, "fields": dict(fields)}))


class GuardedProxy:
    """``ctx.proxy``: asks the host, which asks the gateway; no credential ever comes here."""

    def __init__(self, context: InvocationContext) -> None:
        self._context = context

    async def get(self, path: str, **options: Any) -> ProxyResponse:
        return await self._request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> ProxyResponse:
        return await self._request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> ProxyResponse:
        return await self._request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> ProxyResponse:
        return await self._request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> ProxyResponse:
        return await self._request("DELETE", path, **options)

    async def _request(
        self, verb: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> ProxyResponse:  # fmt: skip
        asked = {"verb": verb, "path": path, "json": json, "headers": dict(headers or {}), "timeoutMs": timeout_ms}
        strict_json.dumps(asked)  # bytes have no place in it, as they have in the arguments of other calls
        answer = await self._context.call(PROXY_PERMISSION, asked)
        return ProxyResponse(answer["status"], answer["headers"], answer["body"])


def _wake(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
