"""Plugins in processes: the outcomes are those of a browser, and what a process was given it loses with its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pysandbox.core.broker.proxying import Asker, Done, Incoming
from pysandbox.core.errors import Code, SandboxError, Status
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.port import Runnable
from pysandbox.invoker.tenancy import Tenancy
from tests.integration.invoker.lab import PROXY, READ, in_loop, lab, registered

SOURCE = """
seen = 0
@handler
def count(payload, ctx):
    global seen
    seen += 1
    return [seen, payload]

@handler
def fail(payload, ctx):
    raise ValueError("mine")

@handler
def busy(payload, ctx):
    while True:
        pass

@handler
def stubborn(payload, ctx):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

@handler
async def ask(payload, ctx):
    ctx.log.info("asking")
    ctx.emit("asked", {"n": 1})
    return await ctx.call("webchat:session:read", payload)

@handler
async def slow(payload, ctx):
    await asyncio.sleep(60)

@handler
async def through(payload, ctx):
    answer = await ctx.proxy.get("/proxy/vendor/x")
    return [answer.status, answer.json()]

@handler
def bytes_back(payload, ctx):
    return {"twice": payload["raw"] * 2}
"""


@in_loop
async def test_a_plugin_keeps_its_state_and_every_end_of_a_call_is_an_outcome() -> None:
    async with lab(SOURCE, maxExecutionTimeMs=4000) as here:
        assert await here.value("count", {"a": "ü"}) == [1, {"a": "ü"}]
        assert await here.value("count") == [2, None]
        failed = await here.invoke("fail")
        assert failed.error is not None
        assert (failed.status, failed.error.code) == (Status.ERROR, Code.PLUGIN_ERROR)
        missing = await here.invoke("nothing")
        assert missing.error is not None
        assert missing.error.code is Code.HANDLER_NOT_FOUND
        raw = await here.invoke("bytes_back", {"raw": b"\x00\xff"})
        assert [bytes(part) for part in raw.buffers] == [b"\x00\xff\x00\xff"]  # type: ignore[arg-type]
        refused = await here.invoke("count", object())
        assert refused.error is not None
        assert refused.error.code is Code.INPUT_INVALID
        late = await here.invoke("stubborn", timeout_ms=200)
        assert (late.status, late.layer) == (Status.TIMEOUT, "hard")
        assert await here.value("count") == [1, None]  # a process of its own, which knows nothing of the last one


@in_loop
async def test_a_busy_loop_is_interrupted_and_its_process_lives_on() -> None:
    """Where the machine is too busy for that within the grace, the kill comes first: then once more."""
    async with lab(SOURCE) as here:
        for _ in range(10):
            late = await here.invoke("busy", timeout_ms=200)
            assert late.status is Status.TIMEOUT
            if late.layer == "soft":
                break
        assert late.layer == "soft"
        assert (await here.invoke("count")).generation == late.generation


@in_loop
async def test_the_guarded_api_works_over_the_pipe() -> None:
    class Proxy:
        def ask(self, asker: Asker, id: str, asked: object, left_ms: float, cid: str, done: Done) -> None:
            del id, asked, left_ms, cid
            body = json.dumps([asker.name]).encode()
            done(Incoming(200, {"content-type": "application/json"}, body, lambda: body))

        def hang_up(self, id: str) -> None:
            raise AssertionError(id)

    async def read(args: object) -> object:
        return {"asked": args}

    tenancy = Tenancy(grants=frozenset({READ, PROXY}), capabilities={READ: read}, proxy=Proxy())
    async with lab(SOURCE, tenancy=tenancy) as here:
        assert await here.value("ask", [1]) == {"asked": [1]}
        assert {"log", "event"} <= {told.kind for told in here.told}
        assert await here.value("through") == [200, ["com.example.lab@1.0.0"]]
    async with lab(SOURCE) as here:  # nothing granted
        denied = await here.invoke("ask")
        assert (denied.status, denied.error and denied.error.code) == (Status.DENIED, Code.PERMISSION_DENIED)


@in_loop
async def test_a_caller_that_is_cancelled_aborts_and_a_close_ends_all() -> None:
    async with lab(SOURCE) as here:
        waiting = asyncio.ensure_future(here.invoke("slow"))
        await here.value("count")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        second = asyncio.ensure_future(here.invoke("slow"))
        await asyncio.sleep(0)
        await here.invoker.close()
        ended = await second
        assert ended.error is not None
        assert ended.error.code is Code.SESSION_CLOSED


@in_loop
async def test_a_plugin_that_does_not_load_says_why_and_one_unloaded_is_gone() -> None:
    async with lab() as here:
        with pytest.raises(SandboxError) as caught:
            await here.load("import nothing_of_that_name\n", library=True)
        assert caught.value.code is Code.PLUGIN_IMPORT_FAILED
        await here.load("import colorsys\n@handler\ndef go(payload, ctx):\n    return 1\n", library=True)
        assert await here.value("go") == 1
        await here.invoker.unload(here.loaded.key)
        outcome = await here.invoke("go")
        assert outcome.error is not None
        assert outcome.error.code is Code.PLUGIN_NOT_LOADED


@in_loop
async def test_without_a_runtime_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="pysandbox runtime build"):
        DenoInvoker(dist=tmp_path)


@in_loop
async def test_a_spare_is_taken_and_replaced_and_no_folder_is_left() -> None:
    async with DenoInvoker(spares=1) as invoker:
        invoker.warm(64)
        (spare,) = invoker.reserve
        loaded = await invoker.load(registered(SOURCE))
        assert (await invoker.call(loaded.key, "count")).status is Status.OK
        assert spare not in invoker.reserve
        assert len(invoker.reserve) == 1
        folders = [spare.folder, invoker.reserve[0].folder]
        assert all(folder.is_dir() for folder in folders)
    assert not any(folder.exists() for folder in folders)


@in_loop
async def test_the_port_loads_a_tenants_plugin_by_its_first_call() -> None:
    known = registered(SOURCE)

    def runnable(tenant: str) -> Runnable:
        return Runnable(tenant, known.manifest, known.bundle, "0" * 64, ())

    async with DenoInvoker(spares=0) as invoker:
        for tenant, count in (("a", "[1,null]"), ("a", "[2,null]"), ("b", "[1,null]")):
            outcome = await invoker.invoke(
                runnable(tenant), "count", "null", timeout_ms=60_000, correlation_id="c-1")
            assert (outcome.value.replace(" ", ""), outcome.correlation_id) == (count, "c-1")
        late = await invoker.invoke(runnable("c"), "count", "null", timeout_ms=1, correlation_id="")
        assert late.status is Status.TIMEOUT
