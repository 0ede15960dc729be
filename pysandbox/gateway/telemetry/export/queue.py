"""What a destination has not had yet: the records on disk behind the last that it took.

The table of records is the queue: what was acknowledged to a browser is in it, in the same transaction, and survives
whatever the gateway does not. A destination is a row that says how far it has got. Must not know: what is sent, or how.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_exports as exports
from pysandbox.gateway.store.tables import telemetry_records as records
from pysandbox.gateway.telemetry.store import WRITERS

LEASE_MS: Final = 15_000
RENEW_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Batch:
    """``records``: ``(tenant, record)``, oldest first. ``gap``: how many before them were left out, and never told.
    ``first``, ``last``: the seq up to which the destination has everything, now and once it took this. ``behind``: how
    far it is."""

    records: Sequence[tuple[str, Mapping[str, Any]]]
    gap: int
    first: int
    last: int
    behind: int


class ExportQueue:
    """One destination's. ``holder``: this process, as replicas know it. ``backlog``: more than that is not kept."""

    def __init__(
        self, database: Database, name: str, *, holder: str, backlog: int, now_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._database = database
        self._name = name
        self._holder = holder
        self._backlog = backlog
        self._now_ms = now_ms

    async def open(self) -> None:
        """A destination that is new gets what comes from now on. Raises `SandboxError` as the others do."""
        begin = await self._horizon()
        async with self._database.begin() as connection:
            insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgres
            await connection.execute(insert(exports).values(
                name=self._name, seq=begin, gap=0, holder="", lease_until_ms=0).on_conflict_do_nothing())

    async def hold(self) -> bool:
        """Whether it is this process that sends, for `LEASE_MS` from now on."""
        now_ms = self._now_ms()
        free = sa.or_(exports.c.holder == self._holder, exports.c.lease_until_ms < now_ms)
        if not self._database.is_shared:  # nobody else has it, save one that was killed
            free = sa.true()
        async with self._database.begin() as connection:
            held = await connection.execute(sa.update(exports).where(exports.c.name == self._name, free).values(
                holder=self._holder, lease_until_ms=now_ms + LEASE_MS))
        return held.rowcount == 1

    async def release(self) -> None:
        """Let another go on at once."""
        async with self._database.begin() as connection:
            await connection.execute(sa.update(exports).where(
                exports.c.name == self._name, exports.c.holder == self._holder).values(lease_until_ms=0))

    async def batch(self, most: int) -> Batch:
        """The oldest ``most`` that it has not had. What is further behind than the backlog is counted and left out."""
        horizon = await self._horizon()
        async with self._database.begin() as connection:
            row = (await connection.execute(sa.select(exports).where(exports.c.name == self._name))).one()
            seq, gap = row.seq, row.gap
            if horizon - seq > self._backlog:
                oldest = horizon - self._backlog
                gap += (await connection.execute(sa.select(sa.func.count()).select_from(records).where(
                    records.c.seq > seq, records.c.seq <= oldest))).scalar_one()
                seq = oldest
                await connection.execute(
                    sa.update(exports).where(exports.c.name == self._name).values(seq=seq, gap=gap))
            found = (await connection.execute(
                sa.select(records.c.seq, records.c.tenant, records.c.body).where(
                    records.c.seq > seq, records.c.seq <= horizon).order_by(records.c.seq).limit(most))).all()
        told = [(one.tenant, json.loads(one.body)) for one in found]
        return Batch(told, gap, seq, found[-1].seq if found else seq, max(0, horizon - seq))

    async def taken(self, batch: Batch) -> None:
        """The destination has it, for good. Nothing where another process went on meanwhile."""
        async with self._database.begin() as connection:
            await connection.execute(sa.update(exports).where(
                exports.c.name == self._name, exports.c.seq == batch.first, exports.c.gap >= batch.gap,
            ).values(seq=batch.last, gap=exports.c.gap - batch.gap))

    async def _horizon(self) -> int:
        """Up to where nothing can appear any more: PostgreSQL's writers commit in another order than they number, so
        those in the middle of it are waited for."""
        async with self._database.begin() as connection:
            if self._database.is_shared:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS)))
            return (await connection.execute(sa.select(sa.func.max(records.c.seq)))).scalar_one() or 0
