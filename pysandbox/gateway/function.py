"""One plugin as a function behind HTTP: a POST is an invocation, its answer the outcome, both as CloudEvents.

An invocation that was begun is answered 200, whatever became of it: its outcome says so, and whoever delivers events
must not deliver it again. What never reached the plugin is answered by the API's error envelope.

Must not know: processes; they are the invoker's.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pysandbox.core.envelope import CID
from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.manifest import Manifest
from pysandbox.core.outcome import Outcome, failure
from pysandbox.gateway import errors, headers
from pysandbox.gateway.backstop import Backstop
from pysandbox.gateway.reading import bearer, read_body
from pysandbox.invoker import words
from pysandbox.invoker.assets import DEFAULT_DIST
from pysandbox.invoker.cloudevent import Event, read, write
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.port import Invoker, Runnable
from pysandbox.invoker.tenancy import Tenancy, Told

MAX_BODY_BYTES: Final = default("messageChars") + 65_536
BODY_S: Final = 10.0
MAX_CALLS: Final = 64
"""At once. The plugin is one interpreter: more would only wait, each with a body in memory."""


def longest_ms(manifest: Manifest) -> int:
    """How long one invocation can take, a start of a new process included."""
    return manifest.max_execution_time_ms + default("graceMs") + default("bootMs")


class Function:
    """``token``: what callers must bear; "" where something else keeps strangers away. ``body_s``: see `BODY_S`."""

    def __init__(self, plugin: Runnable, invoker: Invoker, *, token: str = "", body_s: float = BODY_S) -> None:
        self.stopping = False
        self._plugin = plugin
        self._invoker = invoker
        self._token = token.encode()
        self._body_s = body_s
        self._calls = 0

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/", self.invoke, methods=["POST"]), Route("/healthz", self.healthz), Route("/readyz", self.readyz)]
        app = Starlette(routes=routes, exception_handlers=errors.handlers(errors.envelope))
        app.router.redirect_slashes = False
        return Backstop(app, headers.api())

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """503 tells whoever sends requests to send them elsewhere."""
        status = "stopping" if self.stopping else "ready"
        return JSONResponse({"status": status, "plugin": self._plugin.key}, 503 if self.stopping else 200)

    async def invoke(self, request: Request) -> Response:
        self._admit(request)
        if self._calls >= MAX_CALLS:
            raise SandboxError(Code.RATE_LIMIT, f"{MAX_CALLS} invocations are under way; send it again later")
        self._calls += 1
        try:
            event = read(request.headers, await self._body(request))
            self._check(event)
            timeout_ms, correlation_id = _deadline_ms(event, longest_ms(self._plugin.manifest)), _correlation_id(event)
            outcome = await _unless_hung_up(request, self._invoker.invoke(
                self._plugin, event.get(words.HANDLER), event.data, timeout_ms=timeout_ms,
                correlation_id=correlation_id))
        finally:
            self._calls -= 1
        return self._answer(event, _without_bytes(outcome))

    def _admit(self, request: Request) -> None:
        if "origin" in request.headers:  # a page's: also that of one whose name was made to lead here
            raise SandboxError(Code.ORIGIN_NOT_ALLOWED, "a function is not called by web pages")
        if self._token and not hmac.compare_digest(bearer(request).encode(), self._token):
            raise SandboxError(Code.SESSION_INVALID, "this is not the function's token")

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._body_s):
                return await read_body(request, max_bytes=MAX_BODY_BYTES)
        except TimeoutError:
            raise SandboxError(Code.REQUEST_TIMEOUT) from None

    def _check(self, event: Event) -> None:
        """Raises SandboxError for one that is meant for another function."""
        plugin = self._plugin
        if event.get(words.TENANT) not in ("", plugin.tenant):
            raise SandboxError(Code.PERMISSION_DENIED, "this function runs for another tenant")
        if event.get(words.PLUGIN) not in ("", plugin.key) or event.get(words.BUNDLE) not in ("", plugin.sha256):
            raise SandboxError(Code.PLUGIN_NOT_FOUND, f"this function runs {plugin.key} of bundle {plugin.sha256}")

    def _answer(self, event: Event, outcome: Outcome) -> Response:
        attributes = {
            "id": os.urandom(16).hex(), "source": f"/plugins/{self._plugin.key}", "type": words.OUTCOME_TYPE,
            words.STATUS: outcome.status.value, words.CORRELATION: outcome.correlation_id}
        told, body = write(Event(attributes, outcome.to_json(), event.structured))
        return Response(body, headers=told)


def _deadline_ms(event: Event, most_ms: int) -> int:
    asked = event.get(words.TIMEOUT) or str(most_ms)
    if not asked.isascii() or not asked.isdigit() or len(asked) > 12 or int(asked) == 0:
        raise _fault(words.TIMEOUT, "is not a whole number of milliseconds", "send a positive integer")
    return min(most_ms, int(asked))


def _correlation_id(event: Event) -> str:
    """The caller's; else the event's own id where it can be one, which any producer's need not be."""
    told = event.get(words.CORRELATION)
    if told and CID.fullmatch(told) is None:
        raise _fault(words.CORRELATION, "is no correlation id", f"send what matches {CID.pattern}")
    return told or (event.get("id") if CID.fullmatch(event.get("id")) else os.urandom(16).hex())


def _fault(name: str, rule: str, cure: str) -> SandboxError:
    return SandboxError(
        Code.INPUT_INVALID, f"the event's {name} {rule}", details=[Problem(name, rule, cure)])


def _without_bytes(outcome: Outcome) -> Outcome:
    if not outcome.buffers:
        return outcome
    error = SandboxError(Code.RESULT_NOT_JSON, "the handler returned bytes, which leave no function: encode them")
    return failure(
        error, correlation_id=outcome.correlation_id, duration_ms=outcome.duration_ms, memory=outcome.memory,
        generation=outcome.generation)


async def _unless_hung_up(request: Request, invocation: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Aborted as soon as nobody waits for it any more."""
    running = asyncio.ensure_future(invocation)
    gone = asyncio.ensure_future(request.receive())  # the body was read: what comes next is the connection's end
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        return failure(SandboxError(Code.PLUGIN_ABORTED, "the caller hung up"))
    finally:
        running.cancel()
        gone.cancel()
        await asyncio.gather(running, gone, return_exceptions=True)


@asynccontextmanager
async def open_function(
    plugin: Runnable, *, dist: Path | None = None, token: str = "", spares: int = 1,
    listen: Callable[[Told], None],
) -> AsyncGenerator[Function]:  # fmt: skip
    """The function with its plugin loaded. Raises SandboxError where that fails.

    Nobody there answers the guarded API: a capability is refused by ``PERMISSION_DENIED``, a proxied request ends in
    ``ROUTE_NOT_FOUND``. A function has no session of anybody's, and no credentials that a plugin could spend.
    """
    async with DenoInvoker(
        dist=dist or DEFAULT_DIST, spares=spares, max_live=1, listen=listen,
        tenancy_of=lambda plugin: Tenancy(grants=frozenset(plugin.grants)),
    ) as invoker:
        await invoker.prepare(plugin)  # a port that answers means a plugin that imports
        yield Function(plugin, invoker, token=token)
