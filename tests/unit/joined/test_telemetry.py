"""What the host tells of plugins: one record for each thing that happened, nobody in it, kept until it is taken."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code
from pysandbox.core.telemetry import record
from pysandbox.host import telemetry
from tests.unit.joined.lab import HEAD, PLUGIN_ID, Lab
from tests.unit.joined.stand_in import proxy_session
from tests.unit.joined.virtual_time import in_virtual_time

KEY = "cd" * 32
SOURCE = HEAD + """
@handler
def echo(payload, ctx):
    return payload

@handler
def talk(payload, ctx):
    ctx.log.info(f"frobnicated {payload}", tier="gold", email="ada@example.com")

@handler
def fail(payload, ctx):
    raise ValueError(f"nothing for {payload}")

@handler
async def ask(payload, ctx):
    await ctx.proxy.get("/proxy/vendor/risk")
    await ctx.proxy.get("/proxy/vendor/risk")
"""


def lab(folder: Path, **session: Any) -> Lab:
    made = Lab(folder, SOURCE)
    made.gateway.session.update(proxy_session(**{"telemetryKey": KEY, **session}))
    made.gateway.registered["logWords"] = ["frobnicated", "nothing", "for"]
    return made


async def sent(made: Lab) -> list[dict[str, Any]]:
    """Every record that the gateway has been sent by now; each is one."""
    await asyncio.sleep(telemetry.SEND_MS / 1000 + 0.2)
    records = [one for _, _, body in made.posted for one in body["records"]]
    for one in records:
        assert record.problems(one) == []
    return records


@in_virtual_time
async def test_an_invocation_is_told_as_the_guide_has_it(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        await made.invoke("echo", {"customerId": "c-1"}, cid="gen-abc")
        (told,) = await sent(made)
        assert (told["correlationId"], told["pluginId"], told["executionContext"]) == ("gen-abc", PLUGIN_ID, "webchat")
        assert (told["environment"], told["queue"], told["version"]) == ("test", "q", "1.0.0")
        assert (told["status"], told["code"], told["handler"], told["generation"]) == ("ok", None, "echo", 1)
        assert told["metrics"]["statusCode"] == 200
        assert told["metrics"]["memoryUsedMB"] == 1.0
        assert told["payloadBytes"] == {"in": 21, "out": 20}
        assert told["payloadHash"].startswith("hmac-sha256:")
        assert "c-1" not in json.dumps(made.posted)
        assert made.posted[0][:2] == ("/api/v2/telemetry", "session-token")


@in_virtual_time
async def test_a_failure_keeps_its_code_and_loses_its_data(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        await made.invoke("fail", "Ada Lovelace")
        await made.invoke("no-such-handler", None)
        failed, unknown = [one for one in await sent(made) if one["kind"] == "invocation"]
        assert (failed["status"], failed["code"], failed["metrics"]["statusCode"]) == ("error", "PLUGIN_ERROR", 500)
        assert failed["errorDetails"]["message"] == "ValueError: nothing for [redacted] (plugin.py, line 14, in fail)"
        assert failed["masked"] >= 2
        assert unknown["handler"] == ""  # a page may have put anything there
        assert unknown["code"] == "HANDLER_NOT_FOUND"


@in_virtual_time
async def test_a_log_line_keeps_the_plugins_own_words(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        await made.invoke("talk", "Ada Lovelace", cid="c-7")
        line = next(one for one in await sent(made) if one["kind"] == "log")
        assert line["log"] == {
            "level": "info", "message": "frobnicated [redacted]", "fields": {"tier": "gold", "email": "[redacted]"}}
        assert line["correlationId"] == "c-7"


@in_virtual_time
async def test_an_alert_is_told_with_its_evidence_hash(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        made.session.on_plugin(1, made.cell.forge(99))
        alert = next(one for one in await sent(made) if one["kind"] == "alert")
        assert alert["alert"]["code"] == made.alerts[0]["code"]
        assert len(alert["alert"]["evidence"]) == 64


@in_virtual_time
async def test_requests_through_the_gateway_are_counted_and_timed(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        made.proxy.after_ms = 30
        await made.start()
        outcome = await made.invoke("ask")
        assert outcome["status"] == "ok", outcome
        (told,) = await sent(made)
        assert told["proxyCalls"] == 2
        assert 60 <= told["metrics"]["networkLatencyMs"] <= told["metrics"]["durationMs"]


@in_virtual_time
async def test_what_is_not_taken_is_sent_again_and_held_for_the_pages_end(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        made.posts = [0, 503, 200]
        await made.start()
        await made.invoke("echo")
        await asyncio.sleep(0.1)
        assert len(made.held["records"]) == 1
        await asyncio.sleep(10)
        ids = [body["records"][0]["id"] for _, _, body in made.posted]
        assert len(ids) == 3
        assert len(set(ids)) == 1
        assert made.held is None


@in_virtual_time
async def test_what_can_never_be_taken_is_counted_as_a_gap(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        made.posts = [400]
        await made.start()
        await made.invoke("echo")
        await sent(made)
        assert [body["gap"] for _, _, body in made.posted] == [0, 1]


@pytest.mark.parametrize("key", ["", "short", None])
@in_virtual_time
async def test_without_a_key_nothing_is_noted(tmp_path: Path, key: str | None) -> None:
    async with lab(tmp_path, telemetryKey=key) as made:
        await made.start()
        await made.invoke("echo")
        assert await sent(made) == []
        assert made.session._telemetry is None


@in_virtual_time
async def test_a_flood_is_bounded_and_the_gap_is_told(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        plugin = made.session.plugins["p1"]
        for _ in range(telemetry.MAX_RECORDS + 5):
            made.session.alert(plugin, Code.PROTOCOL_VIOLATION, "rule", "")
        await sent(made)
        assert sum(body["gap"] for _, _, body in made.posted) == 5
        assert sum(len(body["records"]) for _, _, body in made.posted) == telemetry.MAX_RECORDS


@in_virtual_time
async def test_a_session_that_is_closed_tells_the_rest_at_once_and_then_nothing(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        await made.start()
        await made.invoke("echo")
        await made.request("close")
        assert [len(body["records"]) for _, _, body in made.posted] == [1]
        await asyncio.sleep(100)
        assert len(made.posted) == 1


@in_virtual_time
async def test_a_gateway_that_is_away_at_the_end_is_not_asked_for_ever(tmp_path: Path) -> None:
    async with lab(tmp_path) as made:
        made.posts = [0] * 100
        await made.start()
        await made.invoke("echo")
        await made.request("close")
        asked = len(made.posted)
        await asyncio.sleep(1000)
        assert len(made.posted) == asked
