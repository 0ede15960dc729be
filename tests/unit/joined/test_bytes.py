"""Bytes from the page to the plugin and back, both ends joined: they go beside the text, whole, and within limits.

What the host has of a buffer in these tests is an object with a length and nothing else, so a host that looked into
one, or wrote it into text, would fail every test here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.envelope import TO_HOST, Sealer
from tests.unit.joined.lab import HEAD, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + '''
@handler
def echo(payload, ctx): return payload
@handler
def kinds(payload, ctx): return [type(part).__name__ for part in payload]
@handler
def makes(payload, ctx): return {"a": bytes(payload), "b": [bytearray(b"xy"), memoryview(b"z")]}
@handler
def own_key(payload, ctx): return {"a": [{"$bytes": 0}]}
@handler
def many(payload, ctx): return [b""] * payload
@handler
async def asks(payload, ctx): return await ctx.call("webchat:session:read", payload)
@handler
async def catches(payload, ctx):
    try: await ctx.call("webchat:session:read", payload)
    except Exception as error: return [error.code, error.message]
@handler
async def asks_own_key(payload, ctx): return await ctx.call("webchat:session:read", {"$bytes": 1})
'''
SMALL = manifest(limits={"bufferBytes": 100, "messageBuffers": 3})


async def _backwards(args: Any) -> Any:
    assert isinstance(args["data"], bytes)
    return {"data": args["data"][::-1], "twice": [args["data"], args["data"]]}


@pytest.mark.parametrize("payload", [
    b"abc", [b"", {"deep": [b"\0\xff", "text"]}], {"n": 1}, [b"same", b"same"], {"$bytes": 1, "more": b""}])
@in_virtual_time
async def test_a_payload_comes_back_as_it_went(tmp_path: Path, payload: Any) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        outcome = await lab.invoke("echo", payload)
        assert outcome.get("value") == payload, outcome


@in_virtual_time
async def test_the_plugin_gets_bytes_and_may_return_any_kind_of_them(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        assert (await lab.invoke("kinds", [b"", "s", 1, {}]))["value"] == ["bytes", "str", "int", "dict"]
        assert (await lab.invoke("makes", 3))["value"] == {"a": bytes(3), "b": [b"xy", b"z"]}


@in_virtual_time
async def test_no_byte_is_in_any_text(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start()
        data = b"SECRET" * 1000
        assert (await lab.invoke("echo", data))["value"] == data
        call, result = lab.cell.received[-1], lab.cell.sent[-1]
        for text in (call, result):
            assert len(text) < 600
            assert f'"buffers":[{len(data)}]' in text
            assert text.endswith('"payload":{"$bytes":0}}')


@in_virtual_time
async def test_a_calls_arguments_and_its_answer_have_bytes_too(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=_backwards)
        outcome = await lab.invoke("asks", {"data": b"abc"})
        assert outcome["value"] == {"data": b"cba", "twice": [b"abc", b"abc"]}
        assert lab.asked[-1]["args"] == {"data": b"abc"}


@in_virtual_time
async def test_an_own_object_of_the_one_key_is_refused_and_named(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=_backwards)
        for handler, place in (("own_key", "$.a[0]"), ("asks_own_key", "$")):
            error = (await lab.invoke(handler))["error"]
            assert error["code"] == "RESULT_NOT_JSON"
            assert f"{place} is an object whose only key is '$bytes'" in error["message"]
        assert lab.asked == []


@pytest.mark.parametrize(("payload", "name"), [([b"x" * 60, b"y" * 41], "bufferBytes"), ([b""] * 4, "messageBuffers")])
@in_virtual_time
async def test_too_much_from_the_page_is_refused_before_it_reaches_the_plugin(
    tmp_path: Path, payload: Any, name: str
) -> None:
    async with Lab(tmp_path, SOURCE, declared=SMALL) as lab:
        await lab.start(webchat_session_read=lambda _args: _give(payload))
        outcome = await lab.invoke("echo", payload)
        assert (outcome["status"], outcome["error"]["code"]) == ("error", "MESSAGE_LIMIT")
        assert f"isolation.limits.{name}" in outcome["error"]["message"]
        assert ("limits", {name: 1}) in lab.told
        code, message = (await lab.invoke("catches"))["value"]
        assert code == "CAPABILITY_FAILED"
        assert f"isolation.limits.{name}" in message
        assert lab.alerts == []


async def _give(value: Any) -> Any:
    return value


@pytest.mark.parametrize(("handler", "payload", "name"), [("makes", 98, "bufferBytes"), ("many", 4, "messageBuffers")])
@in_virtual_time
async def test_too_much_from_the_plugin_is_its_error_and_names_the_limit(
    tmp_path: Path, handler: str, payload: int, name: str
) -> None:
    async with Lab(tmp_path, SOURCE, declared=SMALL) as lab:
        await lab.start()
        outcome = await lab.invoke(handler, payload)
        assert (outcome["status"], outcome["error"]["code"]) == ("error", "MESSAGE_LIMIT")
        assert f"isolation.limits.{name}" in outcome["error"]["message"]
        assert (await lab.invoke(handler, 1))["status"] == "ok"
        assert lab.alerts == []


def _forged(lab: Lab, kind: str, payload: str, sizes: list[int]) -> None:
    """What a plugin sends that has the port to itself, in answer to its first invocation."""
    sealer = Sealer(lab.cell.binding, TO_HOST, "null")
    sealer.seq = len(lab.cell.sent)
    lab.cell.post(sealer.seal(kind, "1", "", payload, buffers=sizes), [bytes(size) for size in sizes])


@pytest.mark.parametrize(
    ("kind", "payload", "sizes", "rule"),
    [("result", "null", [1], "bytes-places"), ("result", '{"$bytes":1}', [1], "bytes-places"),
     ("result", '[{"$bytes":0},{"$bytes":0}]', [1], "bytes-places"),
     ("result", '{"$bytes":0}', [101], "bufferBytes"), ("result", "[]", [0, 0, 0, 0], "messageBuffers"),
     ("log", '{"level":"info","message":"","fields":{}}', [1], "buffers"), ("error", "{}", [1], "buffers")])
@in_virtual_time
async def test_a_worker_that_sends_bytes_as_it_must_not_is_in_violation(
    tmp_path: Path, kind: str, payload: str, sizes: list[int], rule: str
) -> None:
    source = SOURCE + "@handler\nasync def waits(payload, ctx): await ctx.sleep(60_000)\n"
    async with Lab(tmp_path, source, declared=SMALL) as lab:
        await lab.start()
        _, future = lab.begin_invoke("waits")
        await lab.settled()
        _forged(lab, kind, payload, sizes)
        await lab.settled()
        assert [alert["rule"] for alert in lab.alerts] == [rule]
        assert not future.done()
        _, outcome = await future
        assert outcome["status"] == "timeout"
