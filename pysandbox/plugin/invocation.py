"""One invocation as the plugin sees it: the real `Context`, good until the invocation ends.

Must not know: JavaScript, envelopes. It asks the `Services` of the runtime for everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from pysandbox.core import strict_json
from pysandbox.core.abort import AbortController, AbortError
from pysandbox.plugin.context import Cache, ProxyResponse

PROXY_PERMISSION = "integration:proxy:invoke"
MIN_TIMER_MS = 10


class Settings(Protocol):
    """What stays the same for every invocation of a loaded plugin."""

    plugin_id: str
    environment: str
    queue: str
    locale: str
    permissions: tuple[str, ...]
    cache: Cache


class Services(Protocol):
    """What the runtime does for an invocation."""

    settings: Settings

    def now_ms(self) -> float: ...
    def ask(self, invocation: str, method: str, args: str) -> asyncio.Future[Any]: ...
    def withdraw(self, future: asyncio.Future[Any]) -> None: ...
    def tell(self, kind: str, cid: str, payload: str) -> None: ...


class TimerHandle:
    """A timer set through the context; ``cancel()`` ends it."""

    def __init__(self) -> None:
        self.handle: asyncio.TimerHandle | None = None
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
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
        self.controller = AbortController()
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
    def signal(self) -> Any:
        return self.controller.signal

    @property
    def remaining_ms(self) -> int:
        return max(0, int(self._deadline_ms - self._services.now_ms()))

    # --- what it may do ---
    async def call(self, permission: str, args: Any = None) -> Any:
        self._check_live()
        payload = f'{{"invocation":"{self._id}","args":{strict_json.dumps(args)}}}'
        return await self.guard(self._services.ask(self._id, permission, payload))

    async def guard(self, future: asyncio.Future[Any]) -> Any:
        """Wait for ``future`` or the signal, whichever is first; a call that lost is withdrawn, not forgotten."""
        signal = self.signal

        def give_up() -> None:
            if not future.done():
                self._services.withdraw(future)
                future.set_exception(signal.reason)

        signal.add_listener(give_up)
        try:
            return await future
        finally:
            signal.remove_listener(give_up)

    def emit(self, event: str, data: Any = None) -> None:
        self._check_live()
        body = strict_json.dumps({"event": str(event)[:128], "data": data})
        self._services.tell("event", self.correlation_id, body)

    def progress(self, fraction: float, message: str = "") -> None:
        self._check_live()
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction!r}")
        body = strict_json.dumps({"invocation": self._id, "fraction": float(fraction), "message": str(message)[:200]})
        self._services.tell("progress", self.correlation_id, body)

    def set_timeout(self, fn: Callable[[], Any], ms: int) -> TimerHandle:
        timer = self._new_timer()
        timer.handle = asyncio.get_running_loop().call_later(max(MIN_TIMER_MS, ms) / 1000, self._fire, timer, fn, 0)
        return timer

    def set_interval(self, fn: Callable[[], Any], ms: int) -> TimerHandle:
        timer = self._new_timer()
        every_s = max(MIN_TIMER_MS, ms) / 1000
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

    # --- how it ends ---
    def end(self) -> None:
        """The invocation is over: timers end, and every later call raises."""
        self._ended = True
        for timer in self._timers:
            timer.cancel()

    def abort(self, error: AbortError) -> None:
        self.controller.abort(error)

    def _check_live(self) -> None:
        if self._ended:
            raise AbortError("the invocation has ended; its context is of no more use")
        self.signal.throw_if_aborted()

    def _new_timer(self) -> TimerHandle:
        self._check_live()
        timer = TimerHandle()
        self._timers.append(timer)
        return timer

    def _fire(self, timer: TimerHandle, fn: Callable[[], Any], every_s: float) -> None:
        if timer.cancelled or self._ended:
            return
        if every_s:
            timer.handle = asyncio.get_running_loop().call_later(every_s, self._fire, timer, fn, every_s)
        try:
            result = fn()
        except Exception as error:
            self.log.error(f"a timer's function raised {type(error).__name__}: {error}")
            return
        if isinstance(result, Awaitable):
            asyncio.ensure_future(result)

    def _write_log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        body = strict_json.dumps({"level": level, "message": str(message)[:2000], "fields": dict(fields)})
        self._services.tell("log", self.correlation_id, body)


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
        answer = await self._context.call(PROXY_PERMISSION, {
            "verb": verb, "path": path, "json": json, "headers": dict(headers or {}), "timeoutMs": timeout_ms,
        })  # fmt: skip
        return ProxyResponse(answer["status"], answer["headers"], answer["body"].encode())


def _wake(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)


