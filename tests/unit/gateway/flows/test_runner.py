"""Runs on the server: whatever is missing takes the declared branch; a process that dies is followed by another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.journal import replay
from pysandbox.gateway.flows.executions import Execution
from pysandbox.gateway.store.database import Database
from tests.unit.gateway.flows.gateway_flows import Flows, Handler, call, gateway, hangs, process
from tests.unit.gateway.registered import ADMIN, NAME, NOW_MS

WRITTEN = {"id": "say", "type": "sendMessage", "to": "customer", "text": "Hello \u0000 {{interaction.name}}",
           "timeout": 5000, "next": "good", "onError": "bad"}  # fmt: skip


def test_a_run_ends_and_its_journal_says_the_same_again(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(call("a", "b"), call("b", "good"))
            told = await flows.run()
            assert (told["state"], told["terminal"]["queueId"]) == ("ended", "premium")
            assert told["journal"][0]["pins"] == {NAME: f"{NAME}@2.1.0"}
            parsed = flows.catalog.parsed(await flows.catalog.get("acme", "risk"))
            assert replay(parsed, told["journal"]) == told["journal"]
            assert flows.invoker.calls == ['{"block":"a"}', '{"block":"b"}']

    gateway(tmp_path, work)


def test_how_it_ended_and_what_failed_is_counted(tmp_path: Path) -> None:
    async def fails(_payload: str) -> str:
        return "no json"

    async def work(database: Database) -> None:
        async with process(database, handlers={"evaluate": fails}) as flows:
            await flows.add(call("a", "good"))
            await flows.run()
            await flows.run()
            found = flows.metrics.get_sample_value
            assert found("pysandbox_flows_total", {"ending": "disconnect", "in_sla": "yes"}) == 2
            assert found("pysandbox_flow_fallbacks_total", {"code": "RESULT_NOT_JSON"}) == 2
            assert found("pysandbox_flow_seconds_count") == 2
            await asyncio.sleep(0)  # a run gives its place back once whoever waited has heard
            assert found("pysandbox_flows_in_progress") == 0

    gateway(tmp_path, work)


def test_messages_are_kept_for_whoever_started_the_flow(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(WRITTEN)
            told = await flows.run({"interaction": {"name": "Ada"}})
            assert told["terminal"]["block"] == "good"
            assert [(one["to"], one["text"]) for one in told["messages"]] == [("customer", "Hello \u0000 Ada")]

    gateway(tmp_path, work)


async def no_json(_payload: str) -> str:
    return "no json"


@pytest.mark.parametrize(("handlers", "plugin", "code"), [
    ({"evaluate": no_json}, NAME, "RESULT_NOT_JSON"),
    ({"other": hangs}, NAME, "HANDLER_NOT_FOUND"),
    ({}, "disabled", "PLUGIN_NOT_FOUND"),
])
def test_what_a_plugin_lacks_takes_the_fallback(
    handlers: dict[str, Handler], plugin: str, code: str, tmp_path: Path
) -> None:
    async def work(database: Database) -> None:
        async with process(database, handlers=handlers) as flows:
            await flows.add(call("a", "good"))
            if plugin == "disabled":
                await flows.registry.set_state(ADMIN, NAME, "2.1.0", "disabled")
            told = await flows.run()
            assert told["terminal"]["block"] == "bad"
            assert told["terminal"]["summary"]["failures"][0]["errorCode"] == code

    gateway(tmp_path, work)


def test_a_queue_that_is_not_known_any_more_takes_the_fallback(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(call("a", "good"))
        async with process(database, queues=frozenset({"support"})) as flows:
            told = await flows.run()
            assert told["terminal"]["block"] == "bad"
            assert told["terminal"]["summary"]["failures"][0]["errorCode"] == "QUEUE_NOT_FOUND"

    gateway(tmp_path, work)


def test_data_that_is_no_flows_begins_nothing(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(call("a", "good"))
            for name, data in (("risk", {"customer": {}}), ("other", {})):
                with pytest.raises(SandboxError) as refused:
                    await flows.runner.begin("acme", name, data)
                assert refused.value.code in (Code.INPUT_INVALID, Code.FLOW_NOT_FOUND)
            assert flows.runner.count == 0

    gateway(tmp_path, work)


def test_so_many_run_at_once_and_so_many_of_a_tenant(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database, handlers={"evaluate": hangs}, runs=3, tenant_runs=2, drain_s=0) as flows:
            await flows.add(call("a", "good"))
            for _ in range(2):
                await flows.runner.begin("acme", "risk", {})
            with pytest.raises(SandboxError, match="of this tenant") as refused:
                await flows.runner.begin("acme", "risk", {})
            assert refused.value.code is Code.RATE_LIMIT

    gateway(tmp_path, work)


async def until_called(flows: Flows, count: int) -> None:
    while len(flows.invoker.calls) < count:  # noqa: ASYNC110  # what runs is the loop's own
        await asyncio.sleep(0)


def test_what_a_dead_process_left_goes_on_and_no_block_runs_twice(tmp_path: Path) -> None:
    async def stops_at_b(payload: str) -> str:
        return await hangs(payload) if '"b"' in payload else payload

    async def work(database: Database) -> None:
        async with process(database, handlers={"evaluate": stops_at_b}, drain_s=0) as first:
            await first.add(call("a", "b"), call("b", "good"))
            execution_id = await first.runner.begin("acme", "risk", {})
            await until_called(first, 2)
        async with process(database, holder="b") as second:
            told = await ended(second, execution_id)
            assert second.invoker.calls == []
            [end] = [event for event in told["journal"] if event["event"] == "flowEnded"]
            assert end["block"] == "bad"
            assert end["summary"]["failures"][0]["errorCode"] == "INTERRUPTED"
            parsed = second.catalog.parsed(await second.catalog.get("acme", "risk"))
            assert replay(parsed, told["journal"]) == told["journal"]

    gateway(tmp_path, work)


async def ended(flows: Flows, execution_id: str) -> dict[str, Any]:
    """One that was taken over, when it has ended."""
    while not await flows.runner.ended(execution_id, 20):  # until it is taken over
        if await flows.store.state("acme", "risk", execution_id) != "running":
            break
        await asyncio.sleep(0)
    return await flows.store.show("acme", "risk", execution_id)


def test_runs_have_their_time_to_end_and_nothing_new_begins(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def waits(payload: str) -> str:
        await may_end.wait()
        return payload

    async def work(database: Database) -> None:
        async with process(database, handlers={"evaluate": waits}) as flows:
            await flows.add(call("a", "good"))
            execution_id = await flows.runner.begin("acme", "risk", {})
            await until_called(flows, 1)
            flows.runner.stop()
            with pytest.raises(SandboxError, match="is stopping"):
                await flows.runner.begin("acme", "risk", {})
            asyncio.get_running_loop().call_soon(may_end.set)
        told = await flows.store.show("acme", "risk", execution_id)
        assert told["terminal"]["block"] == "good"

    gateway(tmp_path, work)


def test_a_journal_that_does_not_fit_its_flow_fails_and_is_not_tried_for_ever(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database, running=False) as flows:
            await flows.add(call("a", "good"))
            damaged = {"n": 0, "atMs": 0, "event": "flowStarted", "format": 1, "digest": "another"}
            await flows.writer.begin(Execution("e1", "acme", "risk", 1, {}, NOW_MS), damaged)
        async with process(database, holder="b") as later:
            told = await ended(later, "e1")
            assert (told["state"], told["errorCode"], told["terminal"]) == ("failed", "JOURNAL_INVALID", None)

    gateway(tmp_path, work)
