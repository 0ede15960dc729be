"""A flow in the host: its plugins are found, pinned and loaded, every way ends in one terminal block, and is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.flow.check import parse_flow
from pysandbox.core.flow.journal import replay
from pysandbox.core.limits import default
from tests.unit.joined.flow_page import DATA, SOURCE, begin, customer, give_up, guide, run, steps
from tests.unit.joined.lab import NAME, PLUGIN_ID, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time

DECLARED = manifest(maxExecutionTimeMs=3000)
MAY_ROUTE = "telephony:trunk:view"
FALLBACK = {"type": "routeToQueue", "queueId": "default_support_queue", "block": "fallback_to_standard_queue"}


def lab_for(folder: Path, source: str = SOURCE) -> Lab:
    return Lab(folder, source, declared=DECLARED)


def holds(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    return part.items() <= whole.items()


@in_virtual_time
async def test_a_plugin_that_answers_leads_to_its_queue_and_the_page_has_the_journal(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        ran = await run(lab, guide())
        assert ran["ending"]["block"] == "route_to_premium_queue"
        assert (ran["ending"]["queueId"], ran["ending"]["withinSla"]) == ("premium_queue", True)
        assert ran["blocks"][0]["value"] == {"score": 0.9, "queue": "vip_queue"}
        assert holds(ran["blocks"][0], {"block": "invoke_plugin_risk", "branch": "onSuccess", "generation": 1})
        assert steps(lab) == ran["journal"]
        assert ran["journal"][0]["pins"] == {PLUGIN_ID: NAME}
        assert replay(parse_flow(guide()), ran["journal"]) == ran["journal"]
        assert "routed" not in ran


@pytest.mark.parametrize(("customer_id", "code", "branch"), [
    ("sleeps", "PLUGIN_TIMEOUT", "onTimeout"), ("stays", "PLUGIN_TIMEOUT", "onTimeout"),
    ("raises", "PLUGIN_ERROR", "onError"), ("bytes", "RESULT_NOT_JSON", "onError"),
])  # fmt: skip
@in_virtual_time
async def test_a_plugin_that_fails_leads_to_the_fallback_which_says_why(
    tmp_path: Path, customer_id: str, code: str, branch: str
) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        ran = await run(lab, guide(), customer(customer_id))
        assert holds(ran["ending"], FALLBACK)
        assert ran["ending"]["metadata"] == {"pluginFailureReason": code, "fallbackTriggered": "true"}
        assert holds(ran["blocks"][0], {"branch": branch, "errorCode": code, "generation": 1})
        assert ran["ending"]["durationMs"] < 900, "the plugin's end is told before the flow goes on"
        assert ran["ending"]["summary"]["failures"][0]["errorCode"] == code


@in_virtual_time
async def test_a_worker_that_breaks_the_protocol_is_killed_and_the_flow_goes_on(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        _, running = begin(lab, guide(), customer("sleeps"))
        await asyncio.sleep(0.3)
        for seq in range(100, 110):
            lab.cell.post(lab.cell.forge(seq))
        ran = (await running)[1]
        assert ran["ending"]["metadata"]["pluginFailureReason"] == "PLUGIN_KILLED"
        assert lab.alerts


@in_virtual_time
async def test_a_plugin_that_keeps_failing_in_flows_is_left_alone(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        endings = [(await run(lab, guide(), customer("raises")))["ending"] for _ in range(6)]
        codes = [ending["metadata"]["pluginFailureReason"] for ending in endings]
        assert codes == ["PLUGIN_ERROR"] * 5 + ["BREAKER_OPEN"]


@in_virtual_time
async def test_no_time_that_a_manifest_allows_is_longer_than_the_blocks(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        ran = await run(lab, guide(timeout=120), customer("stays"))
        assert ran["ending"]["metadata"]["pluginFailureReason"] == "PLUGIN_TIMEOUT"
        assert ran["ending"]["durationMs"] <= 121
        await asyncio.sleep(1)
        assert lab.cells[1].ended, "its worker is ended all the same"


@in_virtual_time
async def test_a_plugin_that_the_page_has_loaded_is_the_one_that_is_called(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.start()
        await run(lab, guide())
        await run(lab, guide(pluginId=NAME))
        assert len(lab.cells) == 1


@in_virtual_time
async def test_runs_at_the_same_time_load_a_plugin_once(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        both = await asyncio.gather(run(lab, guide()), run(lab, guide(), cid="cid-2"))
        assert [ran["ending"]["queueId"] for ran in both] == ["premium_queue"] * 2
        assert len(lab.cells) == 1


@in_virtual_time
async def test_while_the_gateway_is_away_the_version_that_is_loaded_is_called(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.start()
        lab.gateway.answers["/latest"] = ConnectionError("away")
        assert (await run(lab, guide()))["ending"]["queueId"] == "premium_queue"


@pytest.mark.parametrize(("source", "plugin_id", "code"), [
    (SOURCE, "com.vendor.unknown", "PLUGIN_NOT_FOUND"), ("1/0", PLUGIN_ID, "PLUGIN_IMPORT_FAILED"),
    (SOURCE.replace("@handler", "@handler('a')\ndef a(p, c): ...\n@handler"), PLUGIN_ID, "HANDLER_NOT_FOUND"),
])  # fmt: skip
@in_virtual_time
async def test_a_plugin_that_cannot_be_called_leads_to_the_fallback(
    tmp_path: Path, source: str, plugin_id: str, code: str
) -> None:
    async with lab_for(tmp_path, source) as lab:
        await lab.open()
        ran = await run(lab, guide(pluginId=plugin_id))
        assert holds(ran["ending"], FALLBACK)
        assert ran["ending"]["metadata"]["pluginFailureReason"] == code


@in_virtual_time
async def test_a_plugin_that_is_not_loaded_in_time_is_not_waited_for(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        lab.boots = False
        started = lab.now_ms()
        ran = await run(lab, guide(), prepare_ms=300)
        assert ran["ending"]["metadata"]["pluginFailureReason"] == "PLUGIN_NOT_LOADED"
        assert lab.now_ms() - started < 320
        await asyncio.sleep(default("bootMs") / 1000 + 1)  # its start fails in the end, and nobody minds


@in_virtual_time
async def test_every_fault_of_the_flow_and_of_those_it_hands_on_to_is_told_with_its_place(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        other = {"blocks": [{"id": "end", "type": "disconnect", "why": 1}]}
        told = await run(lab, {"blocks": guide()["blocks"][:2]}, flows={"late": other})
        assert told["code"] == "FLOW_INVALID"
        assert [detail["path"] for detail in told["details"]] == [
            "$.blocks[0].onSuccess", 'flows["late"].blocks[0].why']
        assert all(detail["rule"] and detail["cure"] for detail in told["details"])
        assert not lab.cells
        assert not steps(lab)


@pytest.mark.parametrize("flow", ["", "{", "[" * 5000, '"flow"', '{"blocks": [], "blocks": []}', "\ud800"])
@in_virtual_time
async def test_what_is_no_flow_at_all_is_told_so(tmp_path: Path, flow: str) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        told = await run(lab, flow)
        assert told["code"] in ("FLOW_INVALID", "INPUT_INVALID")
        assert told["message"]


@pytest.mark.parametrize("bad", [
    {"data": []}, {"data": {"customer": 1}}, {"cid": "no spaces"}, {"cid": "c" * 57}, {"prepare_ms": -1},
    {"prepare_ms": "1"}, {"flows": {str(n): {} for n in range(21)}},
])  # fmt: skip
@in_virtual_time
async def test_what_a_flow_cannot_be_run_with_is_told_so(tmp_path: Path, bad: dict[str, Any]) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        assert (await run(lab, guide(), **bad))["code"] == "INPUT_INVALID"
        for payload in ("null", "{}", "[", '{"flow":"","flows":[],"data":"{}","queues":null,"journal":""}'):
            assert (await lab.request("run", to="flows", cid="c", payload=payload))["code"] == "INPUT_INVALID"


@pytest.mark.parametrize("declares", [True, False])
@in_virtual_time
async def test_only_a_plugin_with_the_permission_for_it_chooses_a_queue(tmp_path: Path, declares: bool) -> None:
    declared = manifest()
    if declares:
        declared["manifest"]["permissions"].append(MAY_ROUTE)
    flow = guide()
    flow["blocks"][2]["queueId"] = '{{invoke_plugin_risk.value.queue | default: "premium_queue"}}'
    async with Lab(tmp_path, SOURCE, declared=declared) as lab:
        lab.gateway.session["grants"].append(MAY_ROUTE)
        await lab.open()
        ran = await run(lab, flow)
        if declares:
            assert ran["ending"]["queueId"] == "vip_queue"
            await lab.request("revoke", to="p1", method=MAY_ROUTE)
            ran = await run(lab, flow)
        assert ran["code"] == "FLOW_INVALID"
        assert ran["details"][0]["path"] == "$.blocks[2].queueId"
        assert MAY_ROUTE in ran["details"][0]["rule"]


@in_virtual_time
async def test_a_queue_that_is_not_known_takes_the_declared_way(tmp_path: Path) -> None:
    flow = guide()
    flow["blocks"][2]["onError"] = "fallback_to_standard_queue"
    flow["blocks"][1]["metadata"] = {"why": "{{route_to_premium_queue.errorCode | default: null}}"}
    async with lab_for(tmp_path) as lab:
        await lab.open()
        ran = await run(lab, flow, queues=["default_support_queue"])
        assert (ran["ending"]["queueId"], ran["ending"]["metadata"]) == (
            "default_support_queue", {"why": "QUEUE_NOT_FOUND"})


GREETS = {"blocks": [
    {"id": "hello", "type": "sendMessage", "text": "Hi {{interaction.customer.id}}", "next": "end", "onError": "bad"},
    {"id": "end", "type": "routeToQueue", "queueId": "q", "metadata": {"a": 1}},
    {"id": "bad", "type": "disconnect", "reason": "{{hello.errorCode}}"},
]}  # fmt: skip


@in_virtual_time
async def test_messages_and_routing_are_done_by_the_page_where_it_provides_them(tmp_path: Path) -> None:
    async def done(_args: Any) -> None:
        await asyncio.sleep(0.01)

    async with lab_for(tmp_path) as lab:
        await lab.open(webchat_message_send=done, webchat_queue_route=done)
        ran = await run(lab, GREETS)
        assert ran["routed"] == {"status": "ok"}
    assert [(asked["to"], asked["pluginId"], asked["permission"]) for asked in lab.asked] == [
        ("flows", "", "webchat:message:send"), ("flows", "", "webchat:queue:route")]
    assert lab.asked[0]["args"] == {"to": "customer", "text": "Hi c-1"}
    assert lab.asked[1]["args"] == ran["ending"]


@in_virtual_time
async def test_a_page_that_fails_to_send_or_to_route_is_told_of_and_nothing_hangs(tmp_path: Path) -> None:
    async def fails(_args: Any) -> None:
        raise ValueError

    async def hangs(_args: Any) -> None:
        await asyncio.Event().wait()

    async with lab_for(tmp_path) as lab:
        await lab.open()
        assert (await run(lab, GREETS))["ending"]["reason"] == "MESSAGE_NOT_SENT"
        await lab.open(webchat_message_send=fails)
        assert (await run(lab, GREETS))["ending"]["reason"] == "MESSAGE_NOT_SENT"
        await lab.open(webchat_message_send=hangs)
        ran = await run(lab, GREETS)
        assert (ran["ending"]["reason"], ran["ending"]["durationMs"]) == ("MESSAGE_NOT_SENT", 250)
        assert ("withdraw", "flows2") in lab.told
        for routes in (fails, hangs):
            await lab.open(webchat_queue_route=routes)
            ran = await run(lab, {"blocks": GREETS["blocks"][1:2]})
            assert ran["ending"]["queueId"] == "q"
            assert ran["routed"]["error"]["code"] == "CAPABILITY_FAILED"


@in_virtual_time
async def test_a_run_that_is_given_up_ends_its_calls_and_is_answered_once(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        id, running = begin(lab, guide(), customer("stays"))
        await asyncio.sleep(0.3)
        give_up(lab, id)
        give_up(lab, id)
        assert (await running)[1]["code"] == "FLOW_ABORTED"
        await asyncio.sleep(1)
        assert lab.cells[1].ended
        assert not [event for event in steps(lab) if event["event"] == "flowEnded"]
        early, answer = begin(lab, guide())
        give_up(lab, early)
        assert (await answer)[1]["code"] == "FLOW_ABORTED"
        assert (await run(lab, guide()))["ending"]["queueId"] == "premium_queue"


@in_virtual_time
async def test_a_session_that_is_closed_ends_its_runs(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        _, running = begin(lab, guide(), customer("sleeps"))
        await asyncio.sleep(0.3)
        _, loading = begin(lab, guide(pluginId=f"{PLUGIN_ID}@1.0.0"))
        await lab.request("close")
        assert (await running)[1]["code"] == "SESSION_CLOSED"
        assert (await loading)[1]["code"] == "SESSION_CLOSED"
        assert (await run(lab, guide()))["code"] == "SESSION_CLOSED"


@in_virtual_time
async def test_another_host_goes_on_by_the_journal_and_calls_nothing_twice(tmp_path: Path) -> None:
    async with lab_for(tmp_path) as lab:
        await lab.open()
        begin(lab, guide(), customer("sleeps"))
        await asyncio.sleep(0.4)
        journal = json.loads(json.dumps(steps(lab)))
        assert [event["event"] for event in journal] == ["flowStarted", "blockStarted"]
        ran = await run(lab, guide(), journal=journal)
        assert ran["ending"]["metadata"]["pluginFailureReason"] == "INTERRUPTED"
        assert ran["journal"][:2] == journal
        assert replay(parse_flow(guide()), ran["journal"]) == ran["journal"]
        assert (await run(lab, guide(timeout=800), journal=journal))["code"] == "JOURNAL_INVALID"
        assert (await run(lab, guide(), journal=[{"n": 7}]))["code"] == "JOURNAL_INVALID"


@in_virtual_time
async def test_a_flow_hands_on_to_another_of_the_pages(tmp_path: Path) -> None:
    first = {"blocks": [
        {"id": "on", "type": "callFlow", "flowId": "risk", "timeout": 2000, "onError": "end"},
        {"id": "end", "type": "disconnect"},
    ]}  # fmt: skip
    async with lab_for(tmp_path) as lab:
        await lab.open()
        ran = await run(lab, first, DATA, flows={"risk": guide()})
        assert ran["ending"]["queueId"] == "premium_queue"
