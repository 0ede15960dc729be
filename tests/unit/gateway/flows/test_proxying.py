"""What a plugin of the gateway's own is answered, whatever becomes of its request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from starlette.types import Send

from pysandbox.core.broker.proxying import Answer, Asker, Incoming
from pysandbox.core.csp import parse_csp
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.flows.proxying import ServerProxy
from pysandbox.gateway.proxy.endpoint import ProxyEndpoint
from pysandbox.gateway.proxy.incoming import Incoming as Head
from pysandbox.gateway.proxy.planning import Caller

ORIGIN = "https://api.gateway.internal"
ASKER = Asker("com.vendor.x@1.0.0", parse_csp(f"connect-src {ORIGIN}"), 10)
ASKED = {"verb": "POST", "path": "/proxy/vendor/x?a=1", "json": {"n": 1}, "headers": {}, "timeoutMs": None}
Answering = Callable[[Caller, Head, bytes, Send], Awaitable[None]]


class Endpoint:
    """Answers as it is told to, and remembers who asked."""

    def __init__(self, answering: Answering) -> None:
        self.ask = answering


def answered(answering: Answering, *, asker: Asker = ASKER, asked: object = ASKED, left_ms: float = 1000) -> Answer:
    async def run() -> Answer:
        proxy = ServerProxy(cast(ProxyEndpoint, Endpoint(answering)), "acme", ORIGIN)
        found: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        proxy.ask(asker, "c1", asked, left_ms, "cid-1", found.set_result)
        return await found

    return asyncio.run(run())


def says(body: bytes, *, ends: bool = True, outcome: bytes = b"upstream") -> Answering:
    async def answering(_caller: Caller, _head: Head, _body: bytes, send: Send) -> None:
        headers = [(b"pysandbox-outcome", outcome), (b"pysandbox-shown", b"etag"), (b"etag", b'"1"'), (b"server", b"x")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        for at in range(0, len(body), 4):
            await send({"type": "http.response.body", "body": body[at : at + 4], "more_body": True})
        if ends:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return answering


async def never(*_: Any) -> None:
    raise AssertionError("nothing was to be asked")


def code_of(answer: Answer) -> Code:
    assert isinstance(answer, SandboxError)
    return answer.code


def test_the_request_is_as_a_host_would_send_it_and_the_answer_as_a_host_would_judge_it() -> None:
    seen: list[tuple[Caller, Head, bytes]] = []

    async def answering(caller: Caller, head: Head, body: bytes, send: Send) -> None:
        seen.append((caller, head, body))
        await says(b"[1, 2]")(caller, head, body, send)

    answer = answered(answering, left_ms=700)
    assert isinstance(answer, Incoming)
    assert (answer.status, dict(answer.headers), answer.read()) == (201, {"etag": '"1"'}, b"[1, 2]")
    (caller, head, body), = seen
    assert (caller.tenant, caller.plugin, body) == ("acme", "com.vendor.x@1.0.0", b'{"n":1}')
    assert (head.method, head.path, head.query, head.timeout_ms) == ("POST", "/proxy/vendor/x", "a=1", 700)
    assert (head.fields["content-type"], head.fields["pysandbox-correlation-id"]) == ("application/json", "cid-1")


@pytest.mark.parametrize(("answering", "code"), [
    (says(b"x" * 11), Code.MESSAGE_LIMIT), (says(b"x", ends=False), Code.UPSTREAM_FAILED),
    (says(b'{"error":{"code":"RATE_LIMIT","message":"later"}}', outcome=b"gateway"), Code.MESSAGE_LIMIT),
])
def test_an_answer_that_is_too_large_or_has_no_end_is_none(answering: Answering, code: Code) -> None:
    assert code_of(answered(answering)) is code


def test_the_gateways_own_refusal_is_told_by_its_code() -> None:
    wide = Asker(ASKER.name, ASKER.csp, 1000)
    refused = says(b'{"error":{"code":"RATE_LIMIT","message":"later"}}', outcome=b"gateway")
    assert code_of(answered(refused, asker=wide)) is Code.RATE_LIMIT


def test_a_fault_of_ours_is_told_as_one(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a secret of the gateway's")

    answer = answered(broken)
    assert code_of(answer) is Code.INTERNAL_ERROR
    assert "secret" not in str(answer)
    assert "cid-1" in caplog.text


@pytest.mark.parametrize(("csp", "asked", "code"), [
    ("connect-src https://elsewhere.example", ASKED, Code.PERMISSION_DENIED),
    ("default-src 'none'", ASKED, Code.PERMISSION_DENIED),
    (f"connect-src {ORIGIN}", {**ASKED, "path": "/api/v2/audit"}, Code.INPUT_INVALID),
])
def test_what_may_not_be_asked_is_not(csp: str, asked: object, code: Code) -> None:
    assert code_of(answered(never, asker=Asker(ASKER.name, parse_csp(csp), 10), asked=asked)) is code


def test_no_answer_within_the_time_is_a_timeout_and_the_request_ends() -> None:
    ended: list[bool] = []

    async def hangs(*_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert code_of(answered(hangs, left_ms=1)) is Code.UPSTREAM_TIMEOUT
    assert ended == [True]


def test_hung_up_on_it_ends_and_says_nothing() -> None:
    async def run() -> list[str]:
        seen: list[str] = []

        async def hangs(*_: Any) -> None:
            seen.append("begun")
            try:
                await asyncio.Event().wait()
            finally:
                seen.append("ended")

        proxy = ServerProxy(cast(ProxyEndpoint, Endpoint(hangs)), "acme", ORIGIN)
        proxy.ask(ASKER, "c1", ASKED, 60_000, "", lambda _answer: seen.append("told"))
        for turn in range(4):
            if turn == 2:
                proxy.hang_up("c1")
            await asyncio.sleep(0)
        proxy.hang_up("c1")
        return seen

    assert asyncio.run(run()) == ["begun", "ended"]
