"""A function's own rules, over an invoker that the test plays: who is admitted, how many, how long a body may take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message

from pysandbox.core.errors import Status
from pysandbox.core.manifest import parse_manifest
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.function import MAX_CALLS, Function, longest_ms
from pysandbox.invoker.port import Runnable

EVENT = {"ce-specversion": "1.0", "ce-id": "no id of ours", "ce-source": "/a", "ce-type": "t"}
MANIFEST = parse_manifest({
    "pluginId": "com.example.lab", "version": "1.0.0",
    "manifest": {
        "type": "webchat", "workerUrl": "https://cdn.example/lab-1.0.0.zip",
        "csp": "default-src 'none'; worker-src https://cdn.example", "permissions": [],
        "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 1000}}})


class Invoker:
    """Answers when the test lets it."""

    def __init__(self, outcome: Outcome = Outcome(Status.OK, "1")) -> None:  # noqa: B008 - it is immutable
        self.outcome = outcome
        self.go = asyncio.Event()
        self.asked: list[tuple[str, str, float, str]] = []
        self.cancelled = 0

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        del plugin
        self.asked.append((handler, payload, timeout_ms, correlation_id))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.outcome


class Caller:
    """One request to the application; ``hang_up`` is its connection's end."""

    def __init__(self, function: Function, path: str = "/", *, method: str = "POST", body: bytes | None = b"",
                 **headers: str) -> None:  # fmt: skip
        self.sent: list[Message] = []
        self.hang_up = asyncio.Event()
        self._body = body
        named = {**EVENT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "root_path": "", "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()]}
        self.done = asyncio.ensure_future(function.app()(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.hang_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def answer(self) -> tuple[int, Any]:
        await self.done
        return self.sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in self.sent[1:]))

    async def code(self) -> tuple[int, str]:
        status, told = await self.answer()
        return status, told["error"]["code"]


async def turns() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def function(invoker: Invoker, **options: Any) -> Function:
    return Function(Runnable("", MANIFEST, b"", "ab" * 32, ()), invoker, **options)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_an_invocation_has_the_callers_time_and_never_more_than_the_plugins() -> None:
    async def inner() -> None:
        invoker = Invoker()
        invoker.go.set()
        made = function(invoker)
        for told in ({"ce_timeoutms": "5"}, {"ce_timeoutms": "999999999"}, {}):
            assert (await Caller(made, ce_handler="go", **told).answer())[0] == 200
        assert [asked[2] for asked in invoker.asked] == [5, longest_ms(MANIFEST), longest_ms(MANIFEST)]
        assert all(len(asked[3]) == 32 for asked in invoker.asked), "an event's id that is no correlation id is none"

    run(inner)


def test_so_many_at_once_and_room_again_afterwards() -> None:
    async def inner() -> None:
        invoker = Invoker()
        made = function(invoker)
        callers = [Caller(made) for _ in range(MAX_CALLS)]
        await turns()
        assert await Caller(made).code() == (429, "RATE_LIMIT")
        invoker.go.set()
        assert {(await caller.answer())[0] for caller in callers} == {200}
        assert (await Caller(made).answer())[0] == 200

    run(inner)


def test_who_hangs_up_ends_the_invocation() -> None:
    async def inner() -> None:
        invoker = Invoker()
        caller = Caller(function(invoker))
        await turns()
        caller.hang_up.set()
        await caller.done
        assert invoker.cancelled == 1

    run(inner)


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def inner() -> None:
        invoker = Invoker()
        assert await Caller(function(invoker, body_s=0), body=None).code() == (408, "REQUEST_TIMEOUT")
        assert not invoker.asked

    run(inner)


def test_the_token_is_asked_for_and_pages_are_turned_away() -> None:
    async def inner() -> None:
        invoker = Invoker()
        invoker.go.set()
        made = function(invoker, token="right")
        assert await Caller(made).code() == (401, "SESSION_INVALID")
        assert await Caller(made, authorization="Bearer wröng").code() == (401, "SESSION_INVALID")
        assert await Caller(made, authorization="Bearer right", origin="null").code() == (403, "ORIGIN_NOT_ALLOWED")
        assert not invoker.asked
        assert (await Caller(made, authorization="Bearer right").answer())[0] == 200

    run(inner)


def test_bytes_do_not_leave_and_one_that_stops_says_so() -> None:
    async def inner() -> None:
        invoker = Invoker(Outcome(Status.OK, '{"raw":{"$bytes":0}}', buffers=(b"abc",), correlation_id="c"))
        invoker.go.set()
        made = function(invoker)
        status, outcome = await Caller(made).answer()
        assert (status, outcome["error"]["code"], outcome["correlationId"]) == (200, "RESULT_NOT_JSON", "c")
        assert (await Caller(made, "/readyz", method="GET").answer())[0] == 200
        made.stopping = True
        assert (await Caller(made, "/readyz", method="GET").answer())[0] == 503

    run(inner)
