"""FakeContext keeps the rules that a handler would meet in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.plugin import AbortError, CallError, Context, PermissionDenied, ProxyResponse
from pysandbox.plugin import context as protocols
from pysandbox.testing import FakeContext, ManualClock, ProxyRequest, json_response, run

SESSION = "webchat:session:read"


def test_it_is_a_context_with_every_name_of_the_protocol() -> None:
    fake: Context = FakeContext(environment="prod", queue="vip", locale="de-DE")
    assert (fake.environment, fake.queue, fake.locale) == ("prod", "vip", "de-DE")
    for protocol, part in (
        (Context, fake), (protocols.Proxy, fake.proxy), (protocols.Cache, fake.cache), (protocols.Log, fake.log),
        (protocols.Timer, fake.set_timeout(lambda: None, 1)),
    ):
        names = [name for name in vars(protocol) if not name.startswith("_")]
        assert names
        assert [name for name in names if not hasattr(part, name)] == []


def test_a_capability_answers_with_its_value_or_with_what_its_function_makes_of_the_arguments() -> None:
    async def later(args: Any) -> Any:
        return {"later": args}

    ctx = FakeContext(capabilities={SESSION: {"tier": "gold"}, "crm:note:add": len, "crm:note:read": later})
    assert run(ctx.call(SESSION)) == {"tier": "gold"}
    assert run(ctx.call("crm:note:add", ["a", "b"])) == 2
    assert run(ctx.call("crm:note:read", 7)) == {"later": 7}
    assert ctx.calls == [(SESSION, None), ("crm:note:add", ["a", "b"]), ("crm:note:read", 7)]


@pytest.mark.parametrize(("permissions", "capabilities", "why"), [
    ([], {SESSION: {}}, "not declared"),
    ([SESSION], {}, "not provided by the page"),
    (None, {}, "not declared"),
])
def test_a_permission_that_one_party_withholds_is_denied_and_not_recorded_as_a_call(
    permissions: list[str] | None, capabilities: dict[str, Any], why: str,
) -> None:
    ctx = FakeContext(capabilities=capabilities, permissions=permissions)
    with pytest.raises(PermissionDenied, match=why) as caught:
        run(ctx.call(SESSION))
    assert caught.value.permission == SESSION
    assert ctx.calls == []
    assert ctx.permissions == ()


def test_a_revoked_permission_is_denied_from_then_on() -> None:
    ctx = FakeContext(capabilities={SESSION: {}})
    run(ctx.call(SESSION))
    ctx.revoke(SESSION)
    with pytest.raises(PermissionDenied):
        run(ctx.call(SESSION))


def test_permissions_lists_what_is_in_force_in_the_order_declared() -> None:
    ctx = FakeContext(
        capabilities={SESSION: {}, "b:b:b": 1}, permissions=["integration:proxy:invoke", "a:a:a", SESSION])
    assert ctx.permissions == ("integration:proxy:invoke", SESSION)


def test_a_failing_capability_tells_the_plugin_that_it_failed_and_not_how() -> None:
    def broken(args: Any) -> Any:
        raise KeyError(f"secret path {args}")

    ctx = FakeContext(capabilities={SESSION: broken})
    with pytest.raises(CallError) as caught:
        run(ctx.call(SESSION))
    assert caught.value.code is Code.CAPABILITY_FAILED
    assert "secret" not in str(caught.value)


def test_a_capability_may_fail_with_a_coded_error_of_its_own() -> None:
    def limited(_args: Any) -> Any:
        raise CallError(Code.RATE_LIMIT)

    with pytest.raises(CallError) as caught:
        run(FakeContext(capabilities={SESSION: limited}).call(SESSION))
    assert caught.value.code is Code.RATE_LIMIT


def test_arguments_and_answers_are_copies_as_across_the_boundary() -> None:
    state = {"list": [1]}
    ctx = FakeContext(capabilities={SESSION: state})
    args = {"a": (1, 2)}
    answer = run(ctx.call(SESSION, args))
    answer["list"].append(2)
    assert state == {"list": [1]}
    assert ctx.calls[0].args == {"a": [1, 2]}


@pytest.mark.parametrize("use", [
    lambda ctx: run(ctx.call(SESSION, {1, 2})), lambda ctx: ctx.emit("e", object()),
    lambda ctx: ctx.log.info("m", field=float("nan"))])
def test_what_is_no_json_does_not_leave_the_plugin(use: Any) -> None:
    with pytest.raises(SandboxError) as caught:
        use(FakeContext(capabilities={SESSION: {}}))
    assert caught.value.code is Code.RESULT_NOT_JSON


def test_logs_events_and_progress_are_recorded_in_order() -> None:
    ctx = FakeContext()
    ctx.log.debug("a")
    ctx.log.info("b", n=1)
    ctx.log.warning("c")
    ctx.log.error("d", why={"x": None})
    ctx.emit("found", {"id": 1})
    ctx.emit("done")
    ctx.progress(0)
    ctx.progress(1.0, "all")
    assert ctx.log.lines == [
        ("debug", "a", {}), ("info", "b", {"n": 1}), ("warning", "c", {}), ("error", "d", {"why": {"x": None}})]
    assert ctx.events == [("found", {"id": 1}), ("done", None)]
    assert ctx.progressed == [(0, ""), (1.0, "all")]


@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan")])
def test_progress_outside_of_0_to_1_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        FakeContext().progress(fraction)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_route_answers_its_method_and_path_and_the_request_is_recorded(method: str) -> None:
    ctx = FakeContext(routes={(method.upper(), "/proxy/v/x?a=1"): json_response({"score": 1}, status=201)})
    body = None if method == "get" else {"q": 1}
    answer = run(getattr(ctx.proxy, method)("/proxy/v/x?a=1", json=body, headers={"X-A": "b"}, timeout_ms=5))
    assert (answer.status, answer.json(), answer.headers["content-type"]) == (201, {"score": 1}, "application/json")
    assert ctx.requests == [(method.upper(), "/proxy/v/x?a=1", body, {"X-A": "b"}, 5)]


def test_a_route_may_be_a_function_of_the_request() -> None:
    async def echo(request: ProxyRequest) -> ProxyResponse:
        return json_response({"got": request.json})

    ctx = FakeContext(routes={("POST", "/proxy/v/x"): echo})
    assert run(ctx.proxy.post("/proxy/v/x", json=[1])).json() == {"got": [1]}


@pytest.mark.parametrize(("method", "path"), [("get", "/proxy/v/x"), ("post", "/proxy/v/y"), ("post", "/proxy/v/x/")])
def test_an_unknown_route_is_answered_as_the_gateway_does(method: str, path: str) -> None:
    ctx = FakeContext(routes={("POST", "/proxy/v/x"): json_response({})})
    with pytest.raises(CallError) as caught:
        run(getattr(ctx.proxy, method)(path))
    assert caught.value.code is Code.ROUTE_NOT_FOUND


def test_the_proxy_needs_its_permission() -> None:
    ctx = FakeContext(routes={("GET", "/proxy/v/x"): json_response({})}, permissions=[SESSION])
    with pytest.raises(PermissionDenied, match="integration:proxy:invoke"):
        run(ctx.proxy.get("/proxy/v/x"))
    assert ctx.requests == []


def test_a_route_that_gives_no_response_is_a_fault_of_the_test() -> None:
    ctx = FakeContext(routes={("GET", "/proxy/v/x"): lambda _: {"forgot": "json_response"}})
    with pytest.raises(TypeError, match="no ProxyResponse"):
        run(ctx.proxy.get("/proxy/v/x"))


def test_a_response_reads_as_text_and_json_and_its_headers_have_one_spelling() -> None:
    response = ProxyResponse(200, {"Content-Type": "text/plain"}, "{\"a\": \"é\"}".encode())
    assert (response.text, response.json()) == ('{"a": "é"}', {"a": "é"})
    assert response.headers == {"content-type": "text/plain"}
    assert ProxyResponse(200, None, b"\xff").text == "\ufffd"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 4000, b'{"a":1,"a":2}', b"NaN", b"\xff"])
def test_a_body_that_is_no_safe_json_is_a_value_error_naming_the_status(body: bytes) -> None:
    with pytest.raises(ValueError, match="status 502"):
        ProxyResponse(502, {}, body).json()


def test_sleeping_takes_no_time_and_passes_the_time() -> None:
    ctx = FakeContext(remaining_ms=1000)
    run(ctx.sleep(400))
    assert ctx.remaining_ms == 600


def test_at_the_deadline_the_signal_fires_with_the_timeout_code_and_every_call_raises() -> None:
    ctx = FakeContext(remaining_ms=1000, capabilities={SESSION: {}}, routes={("GET", "/proxy/x"): json_response(1)})
    with pytest.raises(AbortError) as caught:
        run(ctx.sleep(1000))
    assert caught.value.code is Code.PLUGIN_TIMEOUT
    assert ctx.signal.aborted
    assert ctx.remaining_ms == 0
    for use in (lambda: run(ctx.call(SESSION)), lambda: run(ctx.proxy.get("/proxy/x")), lambda: run(ctx.sleep(1)),
                lambda: ctx.emit("e"), lambda: ctx.progress(0.5), lambda: ctx.set_timeout(print, 1),
                lambda: ctx.set_interval(print, 1)):
        with pytest.raises(AbortError):
            use()
    assert (ctx.calls, ctx.requests, ctx.events, ctx.progressed) == ([], [], [], [])


def test_an_answer_that_comes_after_the_deadline_does_not_reach_the_handler() -> None:
    clock = ManualClock()
    ctx = FakeContext(remaining_ms=1000, clock=clock, capabilities={SESSION: lambda _: clock.advance(2000)})
    with pytest.raises(AbortError):
        run(ctx.call(SESSION))


def test_an_abort_by_the_page_ends_a_sleep_with_the_abort_code() -> None:
    ctx = FakeContext()
    ctx.set_timeout(lambda: ctx.abort("the tab was closed"), 10)
    with pytest.raises(AbortError, match="tab was closed") as caught:
        run(ctx.sleep(20))
    assert caught.value.code is Code.PLUGIN_ABORTED


def test_an_interval_fires_until_cancelled_and_is_never_shorter_than_the_floor() -> None:
    ctx, ticks = FakeContext(), list[float]()
    timer = ctx.set_interval(lambda: ticks.append(ctx.clock.now_ms), 1)
    run(ctx.sleep(35))
    timer.cancel()
    run(ctx.sleep(35))
    assert ticks == [10, 20, 30]


def test_a_timer_function_may_be_async() -> None:
    ctx, seen = FakeContext(capabilities={SESSION: 7}), list[Any]()

    async def tick() -> None:
        seen.append(await ctx.call(SESSION))

    ctx.set_timeout(tick, 5)
    run(ctx.sleep(10))
    assert seen == [7]


def test_an_async_timer_function_that_waits_for_the_real_world_says_that_it_cannot_be_faked() -> None:
    ctx = FakeContext()
    ctx.set_timeout(lambda: asyncio.sleep(0), 5)
    with pytest.raises(RuntimeError, match="needs a browser"):
        run(ctx.sleep(10))


def test_the_cache_follows_the_fake_time() -> None:
    ctx = FakeContext(remaining_ms=60_000)
    ctx.cache.set("k", 1, ttl_s=2)
    run(ctx.sleep(1999))
    assert ctx.cache.get("k") == 1
    run(ctx.sleep(1))
    assert ctx.cache.get("k") is None


def test_run_takes_sync_results_coroutines_and_code_that_needs_a_real_event_loop() -> None:
    async def concurrent() -> list[int]:
        async def one(n: int) -> int:
            await asyncio.sleep(0)
            return n

        return await asyncio.gather(one(1), one(2))

    assert run(5) == 5
    assert run(concurrent()) == [1, 2]


def test_a_calls_bytes_are_copied_and_its_own_placeholder_is_refused() -> None:
    mine = bytearray(b"before")
    ctx = FakeContext(capabilities={"crm:scan:read": lambda args: {"same": args["data"], "made": bytearray(b"x")}})
    assert run(ctx.call("crm:scan:read", {"data": mine})) == {"same": b"before", "made": b"x"}
    mine[:] = b"after!"
    assert ctx.calls[0].args == {"data": b"before"}
    with pytest.raises(SandboxError, match="stands for bytes"):
        run(ctx.call("crm:scan:read", {"$bytes": 0}))


LIMITED = {
    "timers": (lambda ctx: ctx.set_timeout(print, 5), "timers"),
    "intervals": (lambda ctx: ctx.set_interval(print, 5), "timers"),
    "events": (lambda ctx: ctx.emit("e"), "eventsPerInvocation"),
    "progress": (lambda ctx: ctx.progress(0.5), "eventsPerInvocation"),
    "calls": (lambda ctx: run(ctx.call("webchat:session:read")), "callsPerInvocation"),
}  # fmt: skip


@pytest.mark.parametrize(("use", "name"), LIMITED.values(), ids=LIMITED)
def test_a_limit_of_the_manifest_is_met_here_too(use: Callable[[FakeContext], object], name: str) -> None:
    ctx = FakeContext(capabilities={"webchat:session:read": 1}, limits={name: 2})
    use(ctx)
    use(ctx)
    with pytest.raises(CallError, match=f"isolation.limits.{name}") as refused:
        use(ctx)
    assert refused.value.code is Code.RATE_LIMIT


def test_a_timer_that_fired_or_was_cancelled_makes_room() -> None:
    ctx = FakeContext(limits={"timers": 1})
    ctx.set_timeout(int, 5)
    ctx.clock.advance(5)
    ctx.set_timeout(int, 5).cancel()
    ctx.set_timeout(int, 5)


STOPS = {"abort": lambda ctx: ctx.abort(), "deadline": lambda ctx: ctx.clock.advance(100)}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_timers_stop_when_the_invocation_does(stop: Callable[[FakeContext], object]) -> None:
    ctx = FakeContext(remaining_ms=100)
    seen: list[str] = []
    ctx.set_timeout(lambda: seen.append("late"), 150)
    ctx.set_interval(lambda: seen.append("tick"), 60)
    stop(ctx)
    before = len(seen)
    ctx.clock.advance(500)
    assert len(seen) == before


def test_the_cache_is_as_small_as_the_manifest_says() -> None:
    ctx = FakeContext(limits={"cacheEntries": 1})
    ctx.cache.set("a", 1, ttl_s=9)
    ctx.cache.set("b", 2, ttl_s=9)
    assert (ctx.cache.get("a"), ctx.cache.get("b")) == (None, 2)


@pytest.mark.parametrize("request_", [
    {"path": "/proxy/a/../b"}, {"path": "/api/v2/plugins"}, {"path": "/proxy//x"}, {"timeout_ms": 0},
    {"headers": {"X-A": "b\r\nX-B: c"}}])
def test_what_the_host_refuses_reaches_no_route(request_: dict[str, Any]) -> None:
    ctx = FakeContext(routes={("POST", request_.get("path", "/proxy/v/x")): json_response({})})
    with pytest.raises(CallError) as caught:
        run(ctx.proxy.post(**{"path": "/proxy/v/x", **request_}))
    assert (caught.value.code, ctx.requests) == (Code.INPUT_INVALID, [])


def test_a_get_has_no_body() -> None:
    with pytest.raises(CallError, match="a GET has no body"):
        run(FakeContext(routes={("GET", "/proxy/v/x"): json_response({})}).proxy.get("/proxy/v/x", json={}))


def test_a_route_that_takes_longer_than_the_request_may_is_an_upstream_timeout() -> None:
    ctx = FakeContext(routes={("GET", "/proxy/v/x"): lambda _: ctx.clock.advance(200) or json_response({})})
    assert run(ctx.proxy.get("/proxy/v/x", timeout_ms=300)).status == 200
    with pytest.raises(CallError) as caught:
        run(ctx.proxy.get("/proxy/v/x", timeout_ms=200))
    assert caught.value.code is Code.UPSTREAM_TIMEOUT


def test_requests_and_calls_count_together_and_answers_have_a_bound() -> None:
    ctx = FakeContext(
        routes={("GET", "/proxy/v/x"): json_response("y" * 100)}, limits={"callsPerInvocation": 2, "bufferBytes": 50})
    codes: list[Code] = []
    for _ in range(3):
        with pytest.raises(CallError) as caught:
            run(ctx.proxy.get("/proxy/v/x"))
        codes.append(caught.value.code)
    assert codes == [Code.MESSAGE_LIMIT, Code.MESSAGE_LIMIT, Code.RATE_LIMIT]
