"""A manifest's own budgets of messages hold at its port: below the defaults and above them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.gate import SLACK_MESSAGES
from pysandbox.core.limits import LIMITS, default
from tests.unit.joined.lab import HEAD, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

SOURCE = HEAD + '''
@handler
def long(payload, ctx): return "x" * payload
@handler
def deep(payload, ctx):
    value = 0
    for _ in range(payload): value = [value]
    return value
@handler
def length(payload, ctx): return len(payload)
@handler
def wide(payload, ctx): return {str(n): 0 for n in range(payload)}
@handler
def notes(payload, ctx):
    for n in range(payload): ctx.emit("note", n)
'''


def lab(folder: Path, **limits: int) -> Lab:
    return Lab(folder, SOURCE, declared=manifest(maxExecutionTimeMs=30_000, limits=limits))


def events(lab: Lab) -> int:
    return sum(kind == "event" for kind, _ in lab.told)


@in_virtual_time
async def test_a_result_longer_than_the_defaults_comes_through_where_the_manifest_says_so(tmp_path: Path) -> None:
    longest = LIMITS["messageChars"].ceiling
    async with lab(tmp_path, messageChars=longest, resultChars=longest) as one:
        await one.start()
        outcome = await one.invoke("long", longest - 2)
        assert (outcome["status"], len(outcome["value"])) == ("ok", longest - 2)
        assert (await one.invoke("long", longest - 1))["error"]["code"] == "MESSAGE_LIMIT"
        assert not one.alerts


@in_virtual_time
async def test_a_text_longer_than_the_manifest_says_is_refused_at_the_gate(tmp_path: Path) -> None:
    async with lab(tmp_path, messageChars=4096) as one:
        await one.start()
        one.cell.post(one.cell.forge(2, payload='"' + "x" * 20_000 + '"'))
        await one.settled()
        assert [alert["rule"] for alert in one.alerts] == ["too-long"]


@pytest.mark.parametrize(("handler", "limit"), [("deep", "messageDepth"), ("wide", "keysPerObject")])
@in_virtual_time
async def test_a_result_deeper_or_wider_than_the_manifest_says_is_an_error_with_its_name(
    tmp_path: Path, handler: str, limit: str,
) -> None:  # fmt: skip
    floor = LIMITS[limit].floor
    async with lab(tmp_path, **{limit: floor}) as one:
        await one.start()
        assert (await one.invoke(handler, floor))["status"] == "ok"
        outcome = await one.invoke(handler, floor + 1)
        assert outcome["error"]["code"] == "MESSAGE_LIMIT"
        assert not one.alerts, "its worker is honest, and knows no better"
        assert len(one.cells) == 1


@pytest.mark.parametrize("credit", [LIMITS["creditMessages"].floor, LIMITS["creditMessages"].ceiling])
@in_virtual_time
async def test_an_honest_plugin_keeps_to_its_credit_window_and_loses_nothing(tmp_path: Path, credit: int) -> None:
    async with lab(tmp_path, creditMessages=credit) as one:
        await one.start()
        assert (await one.invoke("notes", 190))["status"] == "ok"
        await one.settled()
        assert (events(one), one.alerts) == (190, [])


@pytest.mark.parametrize("credit", [LIMITS["creditMessages"].floor, LIMITS["creditMessages"].ceiling])
@in_virtual_time
async def test_one_message_more_than_the_window_ends_the_worker(tmp_path: Path, credit: int) -> None:
    async with lab(tmp_path, creditMessages=credit) as one:
        await one.start()
        cell = one.cell
        left = cell.credit
        assert credit <= left <= credit + SLACK_MESSAGES
        for _ in range(left):
            cell.post("")
        await one.settled()
        assert "overdraft" not in {alert["rule"] for alert in one.alerts}
        cell.credit = 0
        cell.post("")
        await one.settled()
        assert cell.ended


@in_virtual_time
async def test_a_slower_rate_slows_a_plugin_down_without_a_violation(tmp_path: Path) -> None:
    rate = LIMITS["messagesPerSecond"].floor
    async with lab(tmp_path, messagesPerSecond=rate, creditMessages=8) as one:
        await one.start()
        began = one.now_ms()
        outcome = await one.invoke("notes", 5 * rate)
        assert outcome["status"] == "ok"
        while events(one) < 5 * rate:
            await one.settled()
        assert 3000 <= one.now_ms() - began <= 6000, "a burst of one second, then the rate"
        assert not one.alerts


@in_virtual_time
async def test_the_default_rate_lets_as_much_through_at_once(tmp_path: Path) -> None:
    async with lab(tmp_path) as one:
        await one.start()
        began = one.now_ms()
        await one.invoke("notes", default("eventsPerInvocation"))
        await one.settled()
        assert events(one) == default("eventsPerInvocation")
        assert one.now_ms() - began < 1000


@in_virtual_time
async def test_a_payload_longer_than_the_defaults_reaches_the_handler_if_the_manifest_says_so(tmp_path: Path) -> None:
    longest = LIMITS["messageChars"].ceiling
    async with lab(tmp_path, messageChars=longest) as one:
        await one.start()
        outcome = await one.invoke("length", "x" * (longest - 2))
        assert outcome["value"] == longest - 2
        assert (await one.invoke("length", "x" * (longest - 1)))["error"]["code"] == "MESSAGE_LIMIT"
        assert len(one.cells) == 1
