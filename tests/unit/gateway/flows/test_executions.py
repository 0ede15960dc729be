"""Leases and journals: one holder at a time, nothing of one who lost it, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.flow.ports import LostExecution
from pysandbox.gateway.flows.executions import Execution
from pysandbox.gateway.store.database import Database
from tests.unit.gateway.flows.gateway_flows import Flows, call, gateway, process
from tests.unit.gateway.registered import NOW_MS

FIRST = {"n": 0, "atMs": 0.0, "event": "flowStarted"}
SECOND = {"n": 1, "atMs": 1.0, "event": "blockStarted"}


async def begun(flows: Flows) -> str:
    await flows.writer.begin(Execution("e1", "acme", "risk", 1, {}, NOW_MS), FIRST)
    return "e1"


def test_who_lost_an_execution_stores_nothing_of_it(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with (process(database, running=False) as a,
                    process(database, holder="b", running=False) as b):  # fmt: skip
            execution_id = await begun(a)
            await a.writer.append(execution_id, [SECOND])  # the control: it holds it still
            [taken] = await b.store.claim(10, everything=True)
            assert taken.journal == (FIRST, SECOND)
            with pytest.raises(LostExecution):
                await a.writer.append(execution_id, [{**SECOND, "n": 2}])
            await b.writer.append(execution_id, [{**SECOND, "n": 2, "atMs": 9.0}])
            told = await b.store.show("acme", "risk", execution_id)
            assert told["journal"] == [FIRST, SECOND, {**SECOND, "n": 2, "atMs": 9.0}]

    gateway(tmp_path, work)


def test_an_event_that_is_stored_is_left_alone(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database, running=False) as flows:
            execution_id = await begun(flows)
            for _ in range(2):
                await flows.writer.append(execution_id, [FIRST, SECOND])
            assert (await flows.store.show("acme", "risk", execution_id))["journal"] == [FIRST, SECOND]

    gateway(tmp_path, work)


def test_only_a_lease_that_is_over_can_be_taken_and_only_once(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with (process(database, running=False, lease_s=10) as a,
                    process(database, holder="b", running=False, lease_s=10) as b,
                    process(database, holder="c", running=False, lease_s=10) as c):  # fmt: skip
            execution_id = await begun(a)
            assert await b.store.claim(10) == []
            a.ahead_ms[0] = 8_000
            await a.store.renew([execution_id])
            b.ahead_ms[0] = c.ahead_ms[0] = 12_000
            assert await b.store.claim(10) == []  # it was renewed
            b.ahead_ms[0] = c.ahead_ms[0] = 20_000
            assert len(await b.store.claim(10)) == 1
            assert await c.store.claim(10) == []

    gateway(tmp_path, work)


def test_old_journals_are_forgotten_and_running_ones_are_not(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with process(database) as flows:
            await flows.add(call("a", "good"))
            ended = await flows.run()
            assert len(ended["journal"]) == 4
            left = await begun(flows)
            await flows.store.forget(NOW_MS - 1)
            assert await flows.store.state("acme", "risk", ended["executionId"]) == "ended"
            await flows.store.forget(NOW_MS + 3_600_000)
            assert await flows.store.state("acme", "risk", left) == "running"
            with pytest.raises(Exception, match="no execution"):
                await flows.store.show("acme", "risk", ended["executionId"])

    gateway(tmp_path, work)
