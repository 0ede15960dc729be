"""Writes journals: whatever all runs of this process have to store by now, in one transaction, again and again.

Each transaction first renews the leases of those that it writes for. An execution that somebody else holds by then gets
`LostExecution` and nothing of it is stored. Must not know: what events mean, save that ``flowEnded`` is the last.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.flow.effects import Event
from pysandbox.core.flow.ports import LostExecution
from pysandbox.gateway.flows.executions import ENDED, RUNNING, Execution, ExecutionStore, event_row
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import flow_events, flow_executions, flow_messages

MAX_AT_ONCE: Final = 200
_t = flow_executions.c


@dataclass(frozen=True, slots=True)
class _Entry:
    execution_id: str
    events: Sequence[Event]
    messages: Sequence[dict[str, object]]
    done: asyncio.Future[None]
    begun: Execution | None = None


class JournalWriter:
    """Used by the runs of one event loop, inside of `running`."""

    def __init__(self, database: Database, store: ExecutionStore) -> None:
        self._database = database
        self._store = store
        self._waiting: list[_Entry] = []
        self._wake = asyncio.Event()

    def append(
        self, execution_id: str, events: Sequence[Event], messages: Sequence[dict[str, object]] = ()
    ) -> asyncio.Future[None]:
        """Done when all of it is stored. Fails with `LostExecution`, or `SandboxError` ``STATE_UNAVAILABLE``."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(execution_id, events, messages, done))
        self._wake.set()
        return done

    def begin(self, execution: Execution, first: Event) -> asyncio.Future[None]:
        """The execution and its journal's first event, held by this process. As `append`."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(execution.execution_id, (first,), (), done, execution))
        self._wake.set()
        return done

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Writes while the block runs."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[:MAX_AT_ONCE], self._waiting[MAX_AT_ONCE:]
            if not self._waiting:
                self._wake.clear()
            await self._write(batch)

    async def _write(self, batch: Sequence[_Entry]) -> None:
        try:
            async with self._database.begin() as connection:
                begun = [self._store.row(entry.begun) for entry in batch if entry.begun is not None]
                if begun:
                    await connection.execute(flow_executions.insert(), begun)
                held = await self._held(connection, {entry.execution_id for entry in batch})
                await self._insert(connection, [entry for entry in batch if entry.execution_id in held])
        except Exception as error:  # noqa: BLE001  # each of them hears of it
            known = error if isinstance(error, SandboxError) else SandboxError(
                Code.STATE_UNAVAILABLE, f"the journal could not be stored ({type(error).__name__})")
            for entry in batch:
                if not entry.done.done():
                    entry.done.set_exception(known)
            return
        for entry in batch:
            if entry.done.done():  # given up meanwhile
                continue
            if entry.execution_id in held:
                entry.done.set_result(None)
            else:
                entry.done.set_exception(LostExecution(entry.execution_id))

    async def _held(self, connection: AsyncConnection, ids: set[str]) -> set[str]:
        """Those that are this process's own; their rows are locked until the transaction ends."""
        await connection.execute(sa.update(flow_executions).where(
            _t.execution_id.in_(ids), _t.holder == self._store.holder,
        ).values(lease_until_ms=self._store.lease_until_ms()))
        return set(await connection.scalars(sa.select(_t.execution_id).where(
            _t.execution_id.in_(ids), _t.holder == self._store.holder)))

    async def _insert(self, connection: AsyncConnection, entries: Sequence[_Entry]) -> None:
        insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgres
        rows = [event_row(entry.execution_id, event) for entry in entries for event in entry.events]
        if rows:  # one that is there already is the same event: a call that was given up came through
            await connection.execute(insert(flow_events).on_conflict_do_nothing(), rows)
        said = [
            {"execution_id": entry.execution_id, "body": json.dumps(message)}
            for entry in entries for message in entry.messages]
        if said:
            await connection.execute(flow_messages.insert(), said)
        ended = {entry.execution_id for entry in entries
                 if entry.events and entry.events[-1]["event"] == "flowEnded"}  # fmt: skip
        if ended:
            await connection.execute(sa.update(flow_executions).where(
                _t.execution_id.in_(ended), _t.state == RUNNING,
            ).values(state=ENDED, ended_at_ms=self._store.now_ms()))
