"""Capabilities of the page: default deny, and nothing about the page's failures reaches the plugin."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.joined.lab import HEAD, READ, SECRET, TICKET, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + '''
from pysandbox.plugin import CallError, PermissionDenied
@handler
async def read(payload, ctx): return await ctx.call("webchat:session:read", payload)
@handler
async def call(payload, ctx): return await ctx.call(payload)
@handler
async def catches(payload, ctx):
    try: return await ctx.call(payload)
    except (CallError, PermissionDenied) as error: return [type(error).__name__, error.code, error.message]
@handler
async def many(payload, ctx):
    found = await asyncio.gather(*(ctx.call("webchat:session:read", n) for n in range(payload)), return_exceptions=True)
    return [getattr(one, "code", one) for one in found]
@handler
async def in_turn(payload, ctx):
    for n in range(payload): await ctx.call("webchat:session:read", n)
kept = []
@handler
async def keeps(payload, ctx): kept.append(ctx)
@handler
async def forks(payload, ctx):
    kept.append(asyncio.ensure_future(ctx.call("webchat:session:read")))
    await asyncio.sleep(0)
@on_load
async def start(ctx):
    kept.append(await ctx.call("webchat:session:read") if ctx.environment == "prod" else 0)
'''


async def tier(args: Any) -> Any:
    await asyncio.sleep(0.01)
    return {"tier": "gold", "args": args}


async def fails(_args: Any) -> Any:
    raise RuntimeError("secret of the page")


@in_virtual_time
async def test_a_capability_gets_its_arguments_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        outcome = await lab.invoke("read", {"fields": ["tier"]})
        assert outcome["value"] == {"tier": "gold", "args": {"fields": ["tier"]}}
        assert lab.asked == [
            {"to": "p1", "pluginId": "com.example.lab", "permission": READ, "args": {"fields": ["tier"]}}]
        assert not lab.alerts


@in_virtual_time
async def test_a_capability_that_fails_is_told_without_the_pages_words(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=fails)
        outcome = await lab.invoke("read")
        assert (outcome["status"], outcome["error"]["code"]) == ("error", "CAPABILITY_FAILED")
        caught = (await lab.invoke("catches", READ))["value"]
        assert caught[:2] == ["CallError", "CAPABILITY_FAILED"]
        assert "secret" not in caught[2]


@pytest.mark.parametrize("body", ['"text"', '{"code":"WHAT"}', '{"code":"PERMISSION_DENIED","message":"secret"}', "7"])
@in_virtual_time
async def test_whatever_the_page_calls_its_failure_the_plugin_hears_one_thing(tmp_path: Path, body: str) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        _, waiting = lab.begin_invoke("read")
        await asyncio.sleep(0.001)
        lab.session.on_page("error", "p1c1", "", body, "p1", "", 0)
        outcome = (await waiting)[1]
        assert outcome["error"] == {
            "code": "CAPABILITY_FAILED", "message": "the page's function failed", "retryable": False}


def deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("answer", [deep(33), "x" * 1_100_000, {f"k{n}": n for n in range(1001)}, "\ud800"],
                         ids=["deep", "long", "keys", "surrogate"])  # fmt: skip
@in_virtual_time
async def test_an_answer_past_the_limits_fails_the_call_and_not_the_worker(tmp_path: Path, answer: Any) -> None:
    async def gives(_args: Any) -> Any:
        return answer

    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=gives)
        assert (await lab.invoke("read"))["error"]["code"] == "CAPABILITY_FAILED"
        assert lab.cell.binding.gen == 1
        assert not lab.alerts


DENIED = {
    "undeclared": (SECRET, "not declared", True),
    "not provided": (TICKET, "not provided by the page", False),
    "no permission's name": ("x", "no permission's name", True),
    "for operators alone": ("architect:flow:write", "operators' tokens", True),
}


@pytest.mark.parametrize(("permission", "why", "alerted"), DENIED.values(), ids=DENIED)
@in_virtual_time
async def test_what_is_not_in_force_is_denied(tmp_path: Path, permission: str, why: str, alerted: bool) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier, crm_secret_read=tier)
        outcome = await lab.invoke("call", permission)
        assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED")
        assert why in outcome["error"]["message"]
        assert (await lab.invoke("catches", permission))["value"][:2] == ["PermissionDenied", "PERMISSION_DENIED"]
        assert not lab.asked
        assert [alert["rule"] for alert in lab.alerts] == ["undeclared-call"] * 2 * alerted


@pytest.mark.parametrize("name", ["webchat:session:re\u0430d", "webchat:session:read ", "", "a" * 5000, '"', "a\n"])
@in_virtual_time
async def test_a_name_that_no_message_can_carry_is_denied_at_once(tmp_path: Path, name: str) -> None:
    """And is no violation of the worker's, which would leave its caller waiting."""
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        outcome = await lab.invoke("call", name)
        assert (outcome["status"], outcome["error"]["code"]) == ("denied", "PERMISSION_DENIED"), outcome
        assert "no permission's name" in outcome["error"]["message"]
        assert lab.alerts == []


@in_virtual_time
async def test_a_session_without_the_grant_denies(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        lab.gateway.session["grants"] = []
        await lab.start(webchat_session_read=tier)
        outcome = await lab.invoke("read")
        assert outcome["status"] == "denied"
        assert "not granted to this user's session" in outcome["error"]["message"]


@pytest.mark.parametrize(("grants", "status"), [([], "denied"), ([TICKET], "denied"), ([READ], "ok")])
@in_virtual_time
async def test_what_was_not_granted_to_this_plugin_is_denied_whatever_others_may(
    tmp_path: Path, grants: list[str], status: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path, SOURCE) as lab:
        lab.gateway.registered["grants"] = grants
        await lab.start(webchat_session_read=tier)
        assert (await lab.invoke("read"))["status"] == status


@in_virtual_time
async def test_a_revoked_permission_is_denied_from_the_next_call_on(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        handle = await lab.start(webchat_session_read=tier)
        assert (await lab.invoke("read"))["status"] == "ok"
        assert await lab.request("revoke", to=handle, method=READ) == {}
        outcome = await lab.invoke("read")
        assert (outcome["status"], len(lab.asked)) == ("denied", 1)
        assert "revoked by the page" in outcome["error"]["message"]


@in_virtual_time
async def test_calls_in_flight_and_calls_of_one_invocation_are_bounded(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE, declared=manifest(maxExecutionTimeMs=5000)) as lab:
        await lab.start(webchat_session_read=tier)
        codes = (await lab.invoke("many", 20))["value"]
        assert codes.count("RATE_LIMIT") == 4
        assert (await lab.invoke("in_turn", 100))["status"] == "ok"
        assert (await lab.invoke("in_turn", 101))["error"]["code"] == "RATE_LIMIT"


@in_virtual_time
async def test_on_load_may_call_what_was_granted(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE.replace('"prod"', '"test"')) as lab:
        await lab.start(webchat_session_read=tier)
        assert len(lab.asked) == 1


@pytest.mark.parametrize("invocation", ["1", "99", "on_load", None, 1, ["1"]])
@in_virtual_time
async def test_no_call_is_made_in_the_name_of_an_invocation_that_does_not_run(tmp_path: Path, invocation: Any) -> None:
    """The plugin's own context says so too; this is what stands when the plugin goes round it."""
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        await lab.invoke("keeps")
        text = json.dumps({"invocation": invocation, "args": None})
        lab.cell.runtime._send("call", "77", "", text, method=READ)
        await lab.settled()
        assert not lab.asked
        assert '"kind":"error","id":"77"' in lab.cells[1].received[-1]
        assert "PLUGIN_ABORTED" in lab.cells[1].received[-1]


@in_virtual_time
async def test_a_call_left_behind_is_withdrawn_from_the_page(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        assert (await lab.invoke("forks"))["status"] == "ok"
        await lab.settled()
        assert ("withdraw", "p1c1") in lab.told
        assert (await lab.invoke("read"))["status"] == "ok"


@in_virtual_time
async def test_an_answer_that_nobody_waits_for_is_dropped(tmp_path: Path) -> None:
    async with Lab(tmp_path, SOURCE) as lab:
        await lab.start(webchat_session_read=tier)
        lab.session.on_page("result", "p1c7", "", "1", "p1", "", 0)
        assert (await lab.invoke("read"))["status"] == "ok"
        lab.session.on_page("result", "p1c1", "", "1", "p1", "", 0)  # a second time
        assert (await lab.invoke("read"))["status"] == "ok"
        assert not lab.alerts
