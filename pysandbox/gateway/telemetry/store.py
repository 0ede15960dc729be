"""Records at rest: each kept once, counted in the same transaction, deleted when they are old.

A request that is answered was committed: nothing acknowledged is lost, and what comes twice is found by its id and
neither kept nor counted again. Must not know: HTTP, what a record says beyond what is counted.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from pysandbox.core.telemetry.record import FAILED
from pysandbox.core.telemetry.sketch import bucket_of
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_counts as counts
from pysandbox.gateway.store.tables import telemetry_exports as exports
from pysandbox.gateway.store.tables import telemetry_packed as packed
from pysandbox.gateway.store.tables import telemetry_records as records
from pysandbox.gateway.telemetry import packing
from pysandbox.gateway.telemetry.intake import Row
from pysandbox.gateway.telemetry.names import Names
from pysandbox.gateway.telemetry.packing import STEPS

DAY_MS: Final = 24 * 3600 * 1000
RAW_MS: Final = 30 * DAY_MS
_TOGETHER: Final = {"latency": {60: 1, 3600: 3, 86_400: 3}, "memory": {60: 5, 3600: 5, 86_400: 5}}
"""So many of a sketch's buckets are counted as the middle one of them: a month of days has to be summed up quickly."""
INDEXED: Final = {
    "status": (frozenset({"", "ok"}), "status NOT IN ('', 'ok')"),
    "kind": (frozenset({"invocation", "log", "request"}), "kind = 'alert'")}
"""The few of a million that somebody looks for have an index: which values are not in it, and what it is made of. Said
in the same words in a query, so that a database knows that it will do."""
WRITERS: Final = 728_105
"""PostgreSQL's advisory lock that whoever writes records shares, and whoever needs to know that none is at it takes."""
_NAMED: Final = frozenset({"code", "alert"})
"""Measures whose names a record brings along."""
_DELETED_AT_ONCE: Final = 500
_PAUSE_S: Final = 0.05
_KEY: Final = ("tenant", "step_s", "at_s", "plugin_id", "queue", "environment", "context", "measure", "bucket")


class TelemetryStore:
    """The tenant's records and figures in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names()

    async def keep(self, tenant: str, rows: Sequence[Row], gap: int, now_ms: int) -> int:
        """Keep what is new of ``rows``, and count it. How many were new. ``gap``: records that never came."""
        # In one order for everybody, the records before the counts: two replicas never wait for each other in turn.
        unique = sorted({row.id: row for row in rows if row.at_ms > now_ms - RAW_MS}.values(), key=lambda row: row.id)
        async with self._database.begin() as connection:
            insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgres
            if self._database.is_shared:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(WRITERS)))
            fresh: list[Row] = []
            if unique:
                new = set((await connection.execute(  # the rows beside the statement, which is made once and kept
                    insert(records).on_conflict_do_nothing(index_elements=[records.c.tenant, records.c.id])
                    .returning(records.c.id), [_values(tenant, row, now_ms) for row in unique])).scalars())
                fresh = [row for row in unique if row.id in new]
            counted = _counted(tenant, fresh, gap, now_ms, self._names)
            if counted:
                added = insert(counts)
                await connection.execute(added.on_conflict_do_update(
                    index_elements=[counts.c[name] for name in _KEY], set_={
                        "count": counts.c.count + added.excluded.count, "total": counts.c.total + added.excluded.total},
                ), counted)
        return len(fresh)

    async def sweep(self, now_ms: int) -> int:
        """Delete all that is too old and pack the counts of times that are over, a piece at a time with a pause behind
        each, so that what comes in is not held up. How many records were deleted."""
        gone = 0
        while piece := await self.delete_old(now_ms):
            gone += piece
            await asyncio.sleep(_PAUSE_S)
        for work in (packing.pack, packing.delete_old):
            done = 1
            while done:
                async with self._database.begin() as connection:
                    done = await work(connection, now_ms // 1000)
                await asyncio.sleep(_PAUSE_S)
        return gone

    async def delete_old(self, now_ms: int) -> int:
        """Delete a bounded number of raw records that are past their time. How many.

        What an export's destination never had of them is counted there.
        """
        old = sa.select(records.c.seq).where(records.c.at_ms <= now_ms - RAW_MS).order_by(
            records.c.at_ms, records.c.seq).limit(_DELETED_AT_ONCE)
        async with self._database.begin() as connection:
            unsent = sa.select(sa.func.count()).where(
                records.c.seq.in_(old), records.c.seq > exports.c.seq).scalar_subquery()
            await connection.execute(sa.update(exports).values(gap=exports.c.gap + unsent))
            gone = await connection.execute(sa.delete(records).where(records.c.seq.in_(old)))
        return gone.rowcount

    async def erase(self, tenant: str, subjects: Sequence[str]) -> int:
        """Delete every record of somebody, by the names that telemetry had for them. How many there were."""
        async with self._database.begin() as connection:
            gone = await connection.execute(sa.delete(records).where(
                records.c.tenant == tenant, records.c.subject.in_(subjects)))
        return gone.rowcount

    async def newest(
        self, tenant: str, *, after: int | None = None, limit: int = 100, most: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Records with their ``seq``: those behind ``after`` from there on, or without it the newest, newest last."""
        chosen = sa.select(records.c.seq, records.c.body).where(records.c.tenant == tenant)
        if after is not None:
            chosen = chosen.where(records.c.seq > after)
        for name, value in (most or {}).items():
            chosen = chosen.where(records.c[name] == value)
            common, indexed = INDEXED.get(name, (frozenset({value}), ""))
            if value not in common:
                chosen = chosen.where(sa.text(indexed))
        ordered = chosen.order_by(records.c.seq if after is not None else records.c.seq.desc()).limit(limit)
        async with self._database.begin() as connection:
            found = [{**json.loads(row.body), "seq": row.seq} for row in await connection.execute(ordered)]
        return found if after is not None else found[::-1]

    async def counted(
        self, tenant: str, times: tuple[int, int, int], by: str, where: Mapping[str, str] | None = None,
    ) -> list[packing.Counted]:  # fmt: skip
        """See `packing.read`."""
        async with self._database.begin() as connection:
            return await packing.read(connection, tenant, times, by, where or {})

    async def day(self, at_s: int) -> list[Mapping[str, Any]]:
        """Every count of the day that began at ``at_s``, of all tenants."""
        async with self._database.begin() as connection:
            rows = await connection.execute(sa.select(counts).where(
                counts.c.step_s == 86_400, counts.c.at_s == at_s).order_by(*(counts.c[name] for name in _KEY)))
            return [dict(row) for row in rows.mappings()]

    async def tenants(self, since_s: int) -> list[str]:
        """Who sent something since then."""
        async with self._database.begin() as connection:
            return list((await connection.execute(sa.union(*(
                sa.select(table.c.tenant).where(table.c.step_s == 60, table.c.at_s >= since_s)
                for table in (counts, packed))))).scalars())


def _values(tenant: str, row: Row, now_ms: int) -> dict[str, object]:
    told = row.told
    return {
        "tenant": tenant, "id": row.id, "received_ms": now_ms, "at_ms": row.at_ms, "kind": told["kind"],
        "plugin_id": told["pluginId"], "status": told["status"] or "", "duration_ms": told["metrics"]["durationMs"],
        "correlation_id": told["correlationId"], "subject": told["subject"], "body": row.body}


def _counted(tenant: str, rows: Sequence[Row], gap: int, now_ms: int, names: Names) -> list[dict[str, object]]:
    """What ``rows`` add to the counts, in one order for everybody."""
    found: defaultdict[tuple[object, ...], list[float]] = defaultdict(lambda: [0, 0.0])
    for row in rows:
        told = row.told
        queue, environment = (names.of(tenant, kind, told[kind], now_ms) for kind in ("queue", "environment"))
        place = told["pluginId"], queue, environment, told["executionContext"]
        for measure, bucket, count, total in _measures(told):
            kind, _, name = measure.partition(".")
            known = f"{kind}.{names.of(tenant, kind, name, now_ms)}" if kind in _NAMED else measure
            for step_s, kept_s in STEPS.items():
                at_s = row.at_ms // 1000 // step_s * step_s
                if kept_s and at_s <= now_ms // 1000 - kept_s:
                    continue  # too old to be counted so finely
                together = _TOGETHER.get(measure, {}).get(step_s, 1)
                middle = bucket // together * together + together // 2
                slot = found[tenant, step_s, at_s, *place, known, middle, told["vendor"]]
                slot[0] += count
                slot[1] += total
    for step_s in STEPS if gap else ():
        found[tenant, step_s, now_ms // 1000 // step_s * step_s, "", "", "", "", "gap", 0, ""][0] += gap
    columns = (*_KEY, "vendor")
    return [
        {**dict(zip(columns, key, strict=True)), "count": int(sums[0]), "total": sums[1]}
        for key, sums in sorted(found.items(), key=lambda item: tuple(map(str, item[0])))]


def _measures(told: Mapping[str, Any]) -> Iterator[tuple[str, int, int, float]]:
    """``(measure, bucket, count, total)`` of one record."""
    if told["masked"]:
        yield "masked", 0, told["masked"], 0.0
    if told["kind"] == "alert":
        yield f"alert.{told['alert']['code']}", 0, 1, 0.0
    if told["kind"] != "invocation":
        return
    metrics, status = told["metrics"], told["status"] or ""
    yield f"status.{status}", 0, 1, 0.0
    if told["code"]:
        yield f"code.{told['code']}", 0, 1, 0.0
    if status in FAILED:
        yield "failed", 0, 1, 0.0
    yield "latency", bucket_of(metrics["durationMs"]), 1, metrics["durationMs"]
    if metrics["memoryUsedMB"]:
        yield "memory", bucket_of(metrics["memoryUsedMB"]), 1, metrics["memoryUsedMB"]
