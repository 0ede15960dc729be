"""Executions: begun, claimed by the process that runs them, resumed by another, read, and forgotten in time.

One process at a time holds an execution, by a lease. What counts is the holder's name in its row: whoever writes to the
journal checks it in the same transaction (`pysandbox.gateway.flows.writer`), so one that lost it can do nothing more.
Must not know: how a flow is run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.effects import Event
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import flow_events, flow_executions, flow_messages

RUNNING, ENDED, FAILED = "running", "ended", "failed"
STATES: Final = (RUNNING, ENDED, FAILED)
_FORGET_AT_ONCE: Final = 500
_t = flow_executions.c


@dataclass(frozen=True, slots=True)
class Execution:
    """``called``: the versions of other flows that it may be handed on to, as they were when it began."""

    execution_id: str
    tenant: str
    flow_id: str
    version: int
    called: Mapping[str, int]
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """One that this process runs now, and what is known of it."""

    execution: Execution
    journal: tuple[Event, ...]


class ExecutionStore:
    """``holder``: this process's own name, new with each start. ``now_ms()``: epoch milliseconds."""

    def __init__(self, database: Database, *, holder: str, lease_ms: int, now_ms: Callable[[], int]) -> None:
        self._database = database
        self.holder = holder
        self._lease_ms = lease_ms
        self.now_ms = now_ms

    def row(self, execution: Execution) -> dict[str, object]:
        """As the table has one that begins, held by this process."""
        return {
            "execution_id": execution.execution_id, "tenant": execution.tenant, "flow_id": execution.flow_id,
            "version": execution.version, "called": json.dumps(dict(execution.called)), "state": RUNNING,
            "holder": self.holder, "lease_until_ms": self.lease_until_ms(), "started_at_ms": execution.started_at_ms}

    def lease_until_ms(self) -> int:
        """Until when what is held is held, if it is renewed now."""
        return self.now_ms() + self._lease_ms

    async def renew(self, execution_ids: Sequence[str]) -> None:
        """The leases of these, as far as this process holds them."""
        async with self._database.begin() as connection:
            await connection.execute(sa.update(flow_executions).where(
                _t.execution_id.in_(execution_ids), _t.holder == self.holder,
            ).values(lease_until_ms=self.lease_until_ms()))

    async def claim(self, most: int, *, everything: bool = False) -> list[Claimed]:
        """Executions whose lease is over; with ``everything`` all that others hold: where no other process can live,
        those died."""
        over = _t.holder != self.holder if everything else _t.lease_until_ms < self.now_ms()
        chosen = sa.select(_t.execution_id).where(_t.state == RUNNING, over).limit(most).with_for_update(
            skip_locked=True)
        async with self._database.begin() as connection:
            rows = (await connection.execute(
                sa.update(flow_executions).where(_t.execution_id.in_(chosen.scalar_subquery()))
                .values(holder=self.holder, lease_until_ms=self.lease_until_ms()).returning(flow_executions))).all()
            ids = [row.execution_id for row in rows]
            journals: dict[str, list[Event]] = {execution_id: [] for execution_id in ids}
            for event in await connection.execute(sa.select(flow_events).where(
                    flow_events.c.execution_id.in_(ids)).order_by(flow_events.c.execution_id, flow_events.c.n)):
                journals[event.execution_id].append(json.loads(event.body))
        return [Claimed(_execution(row), tuple(journals[row.execution_id])) for row in rows]

    async def release(self) -> None:
        """Let whoever comes next go on with what this process has not ended."""
        async with self._database.begin() as connection:
            await connection.execute(sa.update(flow_executions).where(
                _t.state == RUNNING, _t.holder == self.holder).values(holder="", lease_until_ms=0))

    async def fail(self, execution_id: str, code: Code) -> None:
        """It cannot be gone on with: its journal does not fit its flow."""
        async with self._database.begin() as connection:
            await connection.execute(sa.update(flow_executions).where(
                _t.execution_id == execution_id, _t.holder == self.holder, _t.state == RUNNING,
            ).values(state=FAILED, ended_at_ms=self.now_ms(), error_code=code.value))

    async def state(self, tenant: str, flow_id: str, execution_id: str) -> str:
        """Raises `SandboxError` ``NOT_FOUND``."""
        async with self._database.begin() as connection:
            return (await _present(connection, tenant, flow_id, execution_id)).state

    async def show(self, tenant: str, flow_id: str, execution_id: str) -> dict[str, object]:
        """State, ending, journal, messages. Raises `SandboxError` ``NOT_FOUND``."""
        async with self._database.begin() as connection:
            row = await _present(connection, tenant, flow_id, execution_id)
            journal = [json.loads(body) for body in await connection.scalars(sa.select(flow_events.c.body).where(
                flow_events.c.execution_id == execution_id).order_by(flow_events.c.n))]
            messages = [json.loads(body) for body in await connection.scalars(sa.select(flow_messages.c.body).where(
                flow_messages.c.execution_id == execution_id).order_by(flow_messages.c.id))]
        return {
            "flowId": row.flow_id, "version": row.version, "executionId": row.execution_id, "state": row.state,
            "startedAt": row.started_at_ms, "endedAt": row.ended_at_ms, "errorCode": row.error_code,
            "terminal": terminal(journal) if row.state == ENDED else None, "messages": messages, "journal": journal}

    async def forget(self, before_ms: int) -> None:
        """What ended before; some at a time, so that nobody waits for long."""
        async with self._database.begin() as connection:
            ids = (await connection.scalars(sa.select(_t.execution_id).where(
                _t.ended_at_ms < before_ms).limit(_FORGET_AT_ONCE))).all()
            for rows in (flow_events, flow_messages, flow_executions):
                await connection.execute(sa.delete(rows).where(rows.c.execution_id.in_(ids)))


def terminal(journal: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """What the last event of a whole journal says of the end."""
    return {name: value for name, value in journal[-1].items() if name not in {"n", "atMs", "event"}}


def event_row(execution_id: str, event: Event) -> dict[str, object]:
    """As the table has it. ASCII: no database has characters that it does not keep."""
    return {"execution_id": execution_id, "n": event["n"], "body": json.dumps(event, separators=(",", ":"))}


async def _present(connection: Any, tenant: str, flow_id: str, execution_id: str) -> sa.Row[Any]:
    row = (await connection.execute(sa.select(flow_executions).where(
        _t.execution_id == execution_id, _t.tenant == tenant, _t.flow_id == flow_id))).one_or_none()
    if row is None:
        raise SandboxError(Code.NOT_FOUND, "no execution of this flow and id is here")
    return row


def _execution(row: sa.Row[*tuple[Any, ...]]) -> Execution:
    return Execution(
        row.execution_id, row.tenant, row.flow_id, row.version, json.loads(row.called), row.started_at_ms)
