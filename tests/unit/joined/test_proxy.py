"""``ctx.proxy`` from the plugin's worker to the gateway and back: who may, what is sent, what the plugin is told."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.unit.joined.lab import HEAD, PROXY, Lab, manifest
from tests.unit.joined.stand_in import SEED, gateway_says, proxy_session, upstream_says
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + '''
from pysandbox.plugin import CallError, PermissionDenied
@handler
async def ask(payload, ctx):
    verb = payload.pop("verb", "post")
    answer = await getattr(ctx.proxy, verb)(payload.pop("path", "/proxy/vendor/risk"), **payload)
    return [answer.status, answer.headers, answer.text]
@handler
async def catches(payload, ctx):
    try: return await ask(payload, ctx)
    except (CallError, PermissionDenied) as error: return [type(error).__name__, error.code, error.message]
@handler
async def many(payload, ctx):
    found = await asyncio.gather(*(ctx.proxy.get("/proxy/v/x") for n in range(payload)), return_exceptions=True)
    return [getattr(one, "code", getattr(one, "status", 0)) for one in found]
@handler
async def waits(payload, ctx): await asyncio.wait_for(ctx.proxy.get("/proxy/v/x"), 0.05)
@handler
async def loads(payload, ctx): return (await ctx.proxy.get("/proxy/v/x")).json()
@handler
async def sends_bytes(payload, ctx): await ctx.proxy.post("/proxy/v/x", json=b"x")
'''


async def started(folder: Path, **declared: Any) -> Lab:
    lab = Lab(folder, SOURCE, declared=manifest(**declared))
    lab.gateway.session.update(proxy_session())
    await lab.__aenter__()
    await lab.start()
    return lab


@in_virtual_time
async def test_a_request_reaches_the_gateway_and_its_answer_the_plugin(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.answer = upstream_says({"score": 0.5}, 201, **{
            "x-part": "1", "pysandbox-correlation-id": "c", "traceparent": "t", "$bytes": "0"})
        told = await lab.invoke("ask", {"path": "/proxy/vendor/risk?a=%20b", "json": {"tier": "gold"}}, cid="cid-9")
        assert told["value"] == [201, {"content-type": "application/json", "x-part": "1"}, '{"score": 0.5}']
        [sent] = lab.proxy.requests
        assert (sent.method, sent.path, sent.body) == ("POST", "/proxy/vendor/risk?a=%20b", b'{"tier":"gold"}')
        assert sent.headers["Content-Type"] == "application/json"
        assert sent.headers["Authorization"] == "Bearer session-token"
        assert sent.headers["Pysandbox-Plugin"] == "com.example.lab@1.0.0"
        assert sent.headers["Pysandbox-Correlation-Id"] == "cid-9"
        assert lab.proxy.bodies[0].reads == 0
        assert "pysandbox proxy com.example.lab@1.0.0 POST /proxy/vendor/risk" in [name for name, _, _ in lab.spans]
        assert not lab.alerts


@in_virtual_time
async def test_the_worker_sees_neither_token_nor_seed(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        await lab.invoke("ask", {"json": 1})
        seen = "".join(lab.cell.received)
        assert "session-token" not in seen
        assert SEED not in seen
        assert "session-token" not in repr(lab.proxy.requests) + repr(lab.session._session)
        assert SEED not in repr(lab.session._session)


@in_virtual_time
async def test_every_request_has_a_nonce_of_its_own_and_is_part_of_its_invocation(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        assert (await lab.invoke("many", 3))["value"] == [200, 200, 200]  # the stand-in refuses a repeated one
        parents = [sent.headers["traceparent"].split("-") for sent in lab.proxy.requests]
        assert len({trace for _, trace, _, _ in parents}) == 1
        assert len({span for _, _, span, _ in parents}) == 1
        assert (await lab.invoke("many", 1))["value"] == [200]
        assert lab.proxy.requests[-1].headers["traceparent"].split("-")[2] != parents[0][2]


@in_virtual_time
async def test_the_plugins_headers_travel_apart_from_ours(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        await lab.invoke("ask", {"headers": {"Authorization": "Basic x", "X-A": "b"}})
        [sent] = lab.proxy.requests
        text = sent.headers["Pysandbox-Headers"]
        assert json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == {"Authorization": "Basic x", "X-A": "b"}
        assert sent.headers["Authorization"] == "Bearer session-token"
        assert "X-A" not in sent.headers


@in_virtual_time
async def test_a_request_lasts_as_long_as_it_may_and_never_longer_than_the_invocation(tmp_path: Path) -> None:
    async with await started(tmp_path, maxExecutionTimeMs=1000) as lab:
        for timeout_ms in (None, 300, 5000):
            await lab.invoke("ask", {"timeout_ms": timeout_ms})
        given = [sent.timeout_ms for sent in lab.proxy.requests]
        assert given[1] == 300
        assert 900 < given[0] <= 1000
        assert 900 < given[2] <= 1000
        assert [sent.headers["Pysandbox-Timeout-Ms"] for sent in lab.proxy.requests] == [str(ms) for ms in given]


@in_virtual_time
async def test_a_gateway_that_says_nothing_in_time_is_an_upstream_timeout(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.after_ms = 10_000
        caught = (await lab.invoke("catches", {"timeout_ms": 200}))["value"]
        assert caught[:2] == ["CallError", "UPSTREAM_TIMEOUT"]


@in_virtual_time
async def test_the_deadline_ends_the_invocation_and_hangs_the_request_up(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.after_ms = 10_000
        outcome = await lab.invoke("ask", {})
        assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")
        await lab.settled()
        assert lab.proxy.hung_up == [lab.proxy.requests[0].id]
        assert not [told for told in lab.told if told[0] == "withdraw"]  # the page never heard of it


@in_virtual_time
async def test_a_request_that_nobody_waits_for_is_hung_up_and_its_late_answer_dropped(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.after_ms = 100
        await lab.invoke("waits")
        await asyncio.sleep(0.2)
        assert lab.proxy.hung_up == [lab.proxy.requests[0].id]
        assert (await lab.invoke("ask", {}))["status"] == "ok"
        assert not lab.alerts


@in_virtual_time
async def test_revoked_in_mid_call_the_answer_never_arrives(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.after_ms = 100
        _, waiting = lab.begin_invoke("catches", {})
        await asyncio.sleep(0.02)
        await lab.request("revoke", to="p1", method=PROXY)
        assert (await waiting)[1]["value"][:2] == ["PermissionDenied", "PERMISSION_DENIED"]
        assert len(lab.proxy.hung_up) == 1
        assert (await lab.invoke("ask", {}))["status"] == "denied"
        assert len(lab.proxy.requests) == 1


@pytest.mark.parametrize("csp", ["default-src 'none'", "default-src 'self'", "connect-src https://api.example.org",
                                 "connect-src https://api.example/proxy/other/"])  # fmt: skip
@in_virtual_time
async def test_a_gateway_outside_of_the_manifests_connect_src_is_denied(tmp_path: Path, csp: str) -> None:
    declared = manifest()
    declared["manifest"]["csp"] = f"{csp}; worker-src https://cdn.example"
    async with Lab(tmp_path, SOURCE, declared=declared) as lab:
        lab.gateway.session.update(proxy_session())
        await lab.start()
        outcome = await lab.invoke("ask", {})
        assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED")
        assert "connect-src" in outcome["error"]["message"]
        assert not lab.proxy.requests


@in_virtual_time
async def test_without_the_grant_nothing_is_sent(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        lab.gateway.session.update(proxy_session(grants=[]))
        await lab.start()
        assert (await lab.invoke("ask", {}))["status"] == "denied"
        assert not lab.proxy.requests


@in_virtual_time
async def test_calls_of_the_proxy_count_as_all_calls_do(tmp_path: Path) -> None:
    async with await started(tmp_path, limits={"callsPending": 4, "callsPerInvocation": 5}) as lab:
        assert (await lab.invoke("many", 6))["value"].count("RATE_LIMIT") == 2
        assert len(lab.proxy.requests) == 4


@pytest.mark.parametrize(("asked", "said"), [
    ({"path": "/proxy/a/../b"}, "'.' or '..'"),
    ({"path": "/proxy/a/%2e%2e/b"}, "encoded dot"),
    ({"path": "/proxy//evil.example"}, "empty segment"),
    ({"path": "/proxy/a\\b"}, "URL may hold"),
    ({"path": "/proxy/a\nb"}, "URL may hold"),
    ({"path": "/api/v2/plugins"}, "/proxy/"),
    ({"path": "//evil.example/proxy/"}, "/proxy/"),
    ({"path": "https://evil.example/proxy/x"}, "/proxy/"),
    ({"path": "/proxy/x?a='b"}, "a query"),
    ({"path": "/proxy/x?"}, "a query"),
    ({"path": "/proxy/x#y"}, "URL may hold"),
    ({"path": "/proxy/" + "x" * 5000}, "at most"),
    ({"path": 7}, "/proxy/"),
    ({"verb": "get", "json": 1}, "a GET has no body"),
    ({"headers": {"X-A": "b\r\nX-B: c"}}, "headers"),
    ({"headers": {"X A": "b"}}, "headers"),
    ({"headers": {"X-A": "b", "x-a": "c"}}, "twice"),
    ({"headers": {f"x-{n}": "v" for n in range(33)}}, "at most"),
    ({"timeout_ms": 0}, "timeout_ms"),
    ({"timeout_ms": True}, "timeout_ms"),
    ({"timeout_ms": 1.5}, "timeout_ms"),
    ({"path": "x", "timeout_ms": -1}, "path: .*timeout_ms: "),
])  # fmt: skip
@in_virtual_time
async def test_what_no_gateway_may_be_asked_never_leaves(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    async with await started(tmp_path) as lab:
        kind, code, message = (await lab.invoke("catches", asked))["value"]
        assert (kind, code) == ("CallError", "INPUT_INVALID")
        assert re.search(said, message), message
        assert not lab.proxy.requests
        assert not lab.alerts


@in_virtual_time
async def test_bytes_have_no_place_in_a_request(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        assert (await lab.invoke("sends_bytes"))["error"]["code"] == "RESULT_NOT_JSON"
        lab.cell.runtime._send("call", "77", "", '{"invocation":"1","args":{"$bytes":0}}', method=PROXY, buffers=[b"x"])
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == ["buffers"]
        assert not lab.proxy.requests


@pytest.mark.parametrize(("code", "told"), [
    ("ROUTE_NOT_FOUND", ("CallError", "ROUTE_NOT_FOUND", "why")),
    ("RATE_LIMIT", ("CallError", "RATE_LIMIT", "why")),
    ("UPSTREAM_UNAVAILABLE", ("CallError", "UPSTREAM_UNAVAILABLE", "why")),
    ("PERMISSION_DENIED", ("PermissionDenied", "PERMISSION_DENIED", "why")),
    ("NOT_FOUND", ("CallError", "ROUTE_NOT_FOUND", "The API proxy has no such route.")),
    ("NONCE_REJECTED", ("CallError", "UPSTREAM_FAILED", "the gateway refused the request (NONCE_REJECTED)")),
    ("SESSION_INVALID", ("CallError", "UPSTREAM_FAILED", "the gateway refused the request (SESSION_INVALID)")),
    ("NO_SUCH_CODE", ("CallError", "UPSTREAM_FAILED", "the gateway answered with status 400")),
])
@in_virtual_time
async def test_the_gateways_own_failure_is_an_error_with_its_code(
    tmp_path: Path, code: str, told: tuple[str, ...],
) -> None:  # fmt: skip
    async with await started(tmp_path) as lab:
        lab.proxy.answer = gateway_says(code)
        assert (await lab.invoke("catches", {}))["value"] == list(told)


@in_virtual_time
async def test_an_uncaught_failure_of_the_proxy_is_the_outcomes_code(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.answer = gateway_says("UPSTREAM_TIMEOUT")
        outcome = await lab.invoke("ask", {})
        assert (outcome["status"], outcome["error"]["code"]) == ("error", "UPSTREAM_TIMEOUT")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 5000, b"\xff", b"[]", b'{"error":7}', b" " * 70_000])
@in_virtual_time
async def test_an_answer_that_is_nobodys_never_reaches_the_plugin(tmp_path: Path, body: bytes) -> None:
    """Such as the page of a proxy in between: only an upstream's answer, so called by the gateway, is one."""
    async with await started(tmp_path) as lab:
        lab.proxy.answer = lambda _sent: (502, {"content-type": "text/html"}, body)
        assert (await lab.invoke("catches", {}))["value"] == [
            "CallError", "UPSTREAM_FAILED", "the gateway answered with status 502"]


@in_virtual_time
async def test_a_body_past_the_plugins_budget_fails_the_call_alone(tmp_path: Path) -> None:
    async with await started(tmp_path, limits={"bufferBytes": 1000}) as lab:
        lab.proxy.answer = upstream_says("x" * 1000)
        assert (await lab.invoke("catches", {}))["value"][:2] == ["CallError", "MESSAGE_LIMIT"]
        lab.proxy.answer = upstream_says("x" * 998)
        assert (await lab.invoke("ask", {}))["value"][0] == 200
        assert not lab.alerts


@in_virtual_time
async def test_headers_past_the_plugins_budget_fail_the_call_alone(tmp_path: Path) -> None:
    async with await started(tmp_path, limits={"messageChars": 4096}) as lab:
        lab.proxy.answer = upstream_says(1, **{f"x-{n}": "v" * 100 for n in range(50)})
        assert (await lab.invoke("catches", {}))["value"][:2] == ["CallError", "MESSAGE_LIMIT"]
        assert lab.cell.binding.gen == 1


@in_virtual_time
async def test_json_of_an_upstream_that_nests_too_deep_is_a_value_error_in_the_plugin(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.answer = lambda _sent: (200, {"pysandbox-outcome": "upstream"}, b"[" * 100_000)
        outcome = await lab.invoke("loads")
        assert outcome["error"]["code"] == "PLUGIN_ERROR"
        assert "json-too-deep" in outcome["error"]["message"]
        assert lab.cell.binding.gen == 1


@in_virtual_time
async def test_a_kill_hangs_up_what_the_worker_asked_for(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        lab.proxy.after_ms = 500
        _, waiting = lab.begin_invoke("ask", {})
        await asyncio.sleep(0.02)
        lab.session.on_cell_failed(1, "PLUGIN_KILLED", "gone")
        assert (await waiting)[1]["status"] == "killed"
        assert lab.proxy.hung_up == [lab.proxy.requests[0].id]
        await asyncio.sleep(1)
        assert not lab.alerts


@in_virtual_time
async def test_an_unreachable_gateway_is_an_upstream_failure(tmp_path: Path) -> None:
    async with await started(tmp_path) as lab:
        def broken(_sent: Any) -> Any:
            raise ConnectionError("TypeError: Failed to fetch")

        lab.proxy.answer = broken
        assert (await lab.invoke("catches", {}))["value"] == [
            "CallError", "UPSTREAM_FAILED", "the gateway could not be reached"]
