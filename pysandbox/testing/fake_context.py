"""`FakeContext`: what a handler is given, without a browser, so that a plugin's logic is tested in milliseconds.

Must not know: workers, ports, the gateway. It keeps the real rules where they change what a handler sees: permissions
are judged by `pysandbox.core.permissions`, everything that would cross to the host is copied as it would be, an aborted
signal ends every call. Time is a `ManualClock`: ``ctx.sleep(500)`` returns at once and half a second has passed. (So
sleeps that run side by side add up.) It shows no isolation: for that run the plugin in a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from pysandbox.core.abort import AbortController, AbortError, AbortSignal
from pysandbox.core.errors import CallError, Code, PermissionDenied, SandboxError
from pysandbox.core.limits import default as default_limit
from pysandbox.core.permissions import denied_reason, effective
from pysandbox.plugin.cache import PluginCache
from pysandbox.testing.clock import ManualClock, ManualTimer
from pysandbox.testing.fake_proxy import PROXY_PERMISSION, FakeProxy, Routes
from pysandbox.testing.records import Call, Event, FakeLog, Progress, copied, crossed

if TYPE_CHECKING:
    from pysandbox.plugin.context import Context


class FakeContext:
    """A `pysandbox.plugin.Context` for tests. All arguments are optional.

    ``capabilities``: permission to its answer, or to a function (sync or async) of the arguments.
    ``permissions``: what the manifest declares; by default the capabilities, and the proxy if there are ``routes``.
    ``routes``: ``(method, path)`` to a `ProxyResponse`, or to a function (sync or async) of the `ProxyRequest`.
    ``remaining_ms``: until the deadline; ``clock``: a `ManualClock` to share between contexts.
    ``limits``: the manifest's ``isolation.limits``, for those that a handler meets: timers, events, calls, the cache.

    What the handler did is in ``calls``, ``requests``, ``events``, ``progressed`` and ``log.lines``.
    """

    def __init__(
        self,
        *,
        capabilities: Mapping[str, Any] | None = None,
        permissions: Iterable[str] | None = None,
        routes: Routes | None = None,
        environment: str = "test",
        queue: str = "test_queue",
        locale: str = "en-GB",
        remaining_ms: int = default_limit("maxExecutionTimeMs"),
        clock: ManualClock | None = None,
        limits: Mapping[str, int] | None = None,
        plugin_id: str = "com.example.plugin",
        correlation_id: str = "test-0001",
    ) -> None:
        self.environment = environment
        self.queue = queue
        self.locale = locale
        self.plugin_id = plugin_id
        self.correlation_id = correlation_id
        self.clock = clock or ManualClock()
        self.log = FakeLog()
        self._limits = dict(limits or {})
        self.cache = PluginCache(
            lambda: self.clock.now_ms / 1000, max_entries=self._limit("cacheEntries"),
            max_bytes=self._limit("cacheBytes"))
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.progressed: list[Progress] = []
        self._capabilities = dict(capabilities or {})
        by_default = [*self._capabilities, *([PROXY_PERMISSION] if routes else [])]
        self._declared = tuple(by_default if permissions is None else permissions)
        self.proxy = FakeProxy(
            routes or {}, self._enter, self._settle, lambda: self.clock.now_ms, self._limit("bufferBytes"))
        self.requests = self.proxy.requests
        self._timers: list[ManualTimer] = []
        self._controller = AbortController()
        self._deadline_ms = self.clock.now_ms + remaining_ms
        self.clock.schedule(self._time_out, remaining_ms)

    @property
    def signal(self) -> AbortSignal:
        """Aborted by `abort`, or when the clock passes the deadline."""
        return self._controller.signal

    @property
    def permissions(self) -> tuple[str, ...]:
        """What is declared and answered for, and not revoked."""
        held = effective(self._declared, self._declared, self._capabilities)
        return tuple(name for name in self._declared if name in held)

    @property
    def remaining_ms(self) -> int:
        """Until the deadline, by the `clock`."""
        return max(0, int(self._deadline_ms - self.clock.now_ms))

    def abort(self, reason: Exception | str | None = None) -> None:
        """Abort the invocation, as the page would."""
        self._stop_timers()
        self._controller.abort(reason)

    def revoke(self, permission: str) -> None:
        """Take a permission away, as the page may at any time."""
        self._declared = tuple(name for name in self._declared if name != permission)

    async def call(self, permission: str, args: Any = None) -> Any:
        """The answer of ``capabilities``, copied as on the way to a page; kept in ``calls``."""
        self._enter(permission)
        sent = crossed(args)
        self.calls.append(Call(permission, sent))
        answer = self._capabilities[permission]
        try:
            return crossed(await self._settle(answer(sent) if callable(answer) else answer))
        except SandboxError:
            raise
        except Exception as error:  # the page's function failed: the plugin learns that, and not how
            raise CallError(Code.CAPABILITY_FAILED) from error

    def emit(self, event: str, data: Any = None) -> None:
        """Keeps the event in ``events``."""
        self.signal.throw_if_aborted()
        self._count_event()
        self.events.append(Event(event, copied(data)))

    def progress(self, fraction: float, message: str = "") -> None:
        """Keeps the note in ``progressed``."""
        self.signal.throw_if_aborted()
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress goes from 0 to 1, not {fraction!r}")
        self._count_event()
        self.progressed.append(Progress(fraction, message))

    def set_timeout(self, fn: Callable[[], Any], ms: int) -> ManualTimer:
        """Calls ``fn`` when the `clock` has gone on by ``ms``."""
        handle = self._new_timer(fn)

        def fire() -> None:
            if not handle.cancelled:
                handle.cancel()
                finish(fn())

        self.clock.schedule(fire, ms)
        return handle

    def set_interval(self, fn: Callable[[], Any], ms: int) -> ManualTimer:
        """Calls ``fn`` each time the `clock` goes on by ``ms``, or by ``timerFloorMs`` if that is longer."""
        period = max(ms, self._limit("timerFloorMs"))
        handle = self._new_timer(fn)

        def tick() -> None:
            if handle.cancelled:
                return
            self.clock.schedule(tick, period)
            finish(fn())

        self.clock.schedule(tick, period)
        return handle

    async def sleep(self, ms: int) -> None:
        """Lets the `clock` go on by ``ms``; no time passes."""
        self.signal.throw_if_aborted()
        self.clock.advance(ms)
        self.signal.throw_if_aborted()

    def _new_timer(self, fn: Callable[[], Any]) -> ManualTimer:
        self.signal.throw_if_aborted()
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        self._within("timers", len(self._timers), "too many timers at once; cancel some")
        timer = ManualTimer(fn)
        self._timers.append(timer)
        return timer

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _count_event(self) -> None:
        so_far = len(self.events) + len(self.progressed)
        self._within("eventsPerInvocation", so_far, "too many events and progress notes in one invocation")

    def _limit(self, name: str) -> int:
        return self._limits.get(name, default_limit(name))

    def _within(self, name: str, so_far: int, what: str) -> None:
        if so_far >= self._limit(name):
            raise CallError(Code.RATE_LIMIT, f"{what}: see isolation.limits.{name}")

    def _enter(self, permission: str) -> None:
        self.signal.throw_if_aborted()
        reason = denied_reason(permission, self._declared, self._declared, self._capabilities)
        if reason is not None:
            raise PermissionDenied(permission, reason)
        so_far = len(self.calls) + len(self.proxy.requests)
        self._within("callsPerInvocation", so_far, "too many calls in one invocation")

    async def _settle(self, answer: Any) -> Any:
        value = await answer if isawaitable(answer) else answer
        self.signal.throw_if_aborted()  # the answer took so long that nobody waits for it any more
        return value

    def _time_out(self) -> None:
        self._stop_timers()
        self._controller.abort(AbortError(code=Code.PLUGIN_TIMEOUT))


def run(value: Any) -> Any:
    """The result of a handler's call, sync or async: ``run(evaluate({"a": 1}, ctx))``. Needs no pytest plugin."""
    if not isawaitable(value):
        return value
    return asyncio.run(_awaited(value))


def finish(value: Any) -> None:
    """Run what a timer's function returned to its end, if it is a coroutine."""
    if not isawaitable(value):
        return
    coroutine = cast(Coroutine[Any, Any, Any], value)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("an async timer function awaits something that is not FakeContext's: its test needs a browser")


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


if TYPE_CHECKING:  # a fake that drifts away from the protocol does not pass the type check
    _fits: Context = FakeContext()
