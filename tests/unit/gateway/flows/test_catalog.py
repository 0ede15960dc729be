"""Flows in the store: every fault located, versions that never change, tenants, removal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, FlowError, SandboxError
from pysandbox.gateway.audit import Query, entries
from pysandbox.gateway.store.database import Database
from tests.unit.gateway.flows.gateway_flows import call, flow, gateway, process, text
from tests.unit.gateway.registered import ADMIN, OTHER


def test_a_flow_is_kept_by_its_name_and_a_version_never_changes(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            first, is_new = await flows.catalog.add(ADMIN, text(flow(call("a", "good"))))
            again, is_new_again = await flows.catalog.add(ADMIN, text(flow(call("a", "good"))))
            second = await flows.add(call("b", "good"))
            assert (first["flowId"], first["version"], is_new) == ("risk", 1, True)
            assert (again, is_new_again) == (first, False)
            assert second["version"] == 2
            kept = await flows.catalog.get("acme", "risk", 1)
            assert kept.as_json(flows.catalog.parsed(kept), whole=True) == first
            assert (await flows.catalog.get("acme", "risk")).version == 2
            assert [one["version"] for one in await flows.catalog.list("acme")] == [2]
            told = [(one["action"], one["detail"]["version"]) for one in await audited(database)
                    if one["action"] == "flow.add"]  # fmt: skip
            assert told == [("flow.add", 2), ("flow.add", 1)]

    gateway(tmp_path, work)


async def audited(database: Database) -> list[dict[str, Any]]:
    return await entries(database, ADMIN, Query(target="risk"))


@pytest.mark.parametrize(("body", "places"), [
    (b"no json", ["$"]),
    (b"[1]", ["$"]),
    (b'{"blocks": []}', ["$.blocks"]),
    (text({**flow(), "name": "no name!"}), ["$.name"]),
    (text({key: value for key, value in flow(call("a", "good")).items() if key != "name"}), ["$.name"]),
    (text(flow(call("a", "gone", plugin="com.vendor.other"))),
     ["$.blocks[0].onSuccess", "$.blocks[0].pluginId", "$.blocks[1]"]),
    (text(flow({"id": "ask", "type": "callFlow", "flowId": "elsewhere", "timeout": 100, "onError": "good"})),
     ["$.blocks[0].flowId"]),
])  # fmt: skip
def test_each_fault_has_its_place(body: bytes, places: list[str], tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            with pytest.raises(FlowError) as refused:
                await flows.catalog.add(ADMIN, body)
            assert sorted(problem.path for problem in refused.value.details) == places
            assert all(problem.rule and problem.cure for problem in refused.value.details)
            assert await flows.catalog.list("acme") == []

    gateway(tmp_path, work)


def test_a_queue_must_be_known_where_queues_are(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database, queues=frozenset({"support"})) as flows:
            with pytest.raises(FlowError) as refused:
                await flows.add(call("a", "good"))
            assert [problem.path for problem in refused.value.details] == ["$.blocks[1].queueId"]
        async with process(database, queues=frozenset({"premium"})) as flows:
            await flows.add(call("a", "good"))

    gateway(tmp_path, work)


def test_a_result_that_chooses_a_queue_takes_the_permission(tmp_path: Path) -> None:
    chooses = {"id": "choose", "type": "decision", "otherwise": "bad", "rules": [
        {"when": {"value": "{{a.value.score}}", "greaterThan": 5}, "then": "good"}]}

    async def work(database: Database) -> None:
        async with process(database) as flows:
            with pytest.raises(FlowError) as refused:
                await flows.add(call("a", "choose"), chooses)
            assert "telephony:trunk:view" in str(refused.value.details)

    gateway(tmp_path, work)


def test_what_is_removed_is_gone_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(call("a", "good"))
            with pytest.raises(SandboxError) as refused:
                await flows.catalog.remove(OTHER, "risk")
            assert refused.value.code is Code.FLOW_NOT_FOUND
            await flows.catalog.remove(ADMIN, "risk")
            for work in (flows.catalog.get("acme", "risk"), flows.catalog.remove(ADMIN, "risk")):
                with pytest.raises(SandboxError) as refused:
                    await work
                assert refused.value.code is Code.FLOW_NOT_FOUND
            assert (await flows.add(call("a", "good")))["version"] == 2

    gateway(tmp_path, work)
