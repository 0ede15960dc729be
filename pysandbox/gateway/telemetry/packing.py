"""Counts of times that are over, packed: a row for each name of each group, not for each bucket of each place.

A dashboard's question about a month then reads some hundred rows. What comes late is counted beside them as ever, and
packed in its turn. Packing moves counts within one transaction, and reading takes both in one statement, so that every
count is seen once. Must not know: HTTP, what the counts are of.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.gateway.store.tables import telemetry_counts as counts
from pysandbox.gateway.store.tables import telemetry_packed as packed

DAY_S: Final = 86_400
STEPS: Final = {60: 3 * DAY_S, 3600: 100 * DAY_S, DAY_S: 0}
"""What is counted together, in seconds, and how long such counts are kept; 0: for ever."""
GROUPS: Final = {
    "plugin": counts.c.plugin_id, "vendor": counts.c.vendor, "queue": counts.c.queue,
    "environment": counts.c.environment, "context": counts.c.context}
ALL: Final = "all"
PLACE: Final = "place"
"""What counts are packed by beside the groups: all of a tenant's, and what has the same name in every group."""
_LATE_S: Final = {60: 900, 3600: 3600, DAY_S: DAY_S}
"""How long after its end a time may still get many counts, so that packing it would be done again and again."""
_AT_ONCE: Final = 2000
_PACKERS: Final = 728_106
"""PostgreSQL's advisory lock of whoever packs."""
_KEY: Final = tuple(counts.primary_key.columns)
_PACKED: Final = ("tenant", "step_s", "of", "at_s", "name")

Body = dict[str, list[Any]]
"""Of each measure: the total, and the counts by bucket."""
Counted = tuple[Any, str, Mapping[str, int], float]
"""Group, measure, counts by bucket, total."""


async def pack(connection: AsyncConnection, now_s: int) -> int:
    """Pack a bounded number of counts. How many there were."""
    shared = connection.dialect.name == "postgresql"
    if shared:  # two would write over each other's sums
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PACKERS)))
    over = sa.or_(*(
        sa.and_(counts.c.step_s == step_s, counts.c.at_s <= now_s - step_s - late_s)
        for step_s, late_s in _LATE_S.items()))
    chosen = sa.select(*_KEY).where(over).limit(_AT_ONCE).with_for_update(
        skip_locked=True)  # what comes in waits for no more than this piece, and this for nothing of it
    moved = [dict(row) for row in (await connection.execute(
        sa.delete(counts).where(sa.tuple_(*_KEY).in_(chosen)).returning(counts))).mappings()]
    if moved:
        await _add(connection, moved, insert_postgres if shared else insert_sqlite)
    return len(moved)


async def _add(connection: AsyncConnection, moved: Sequence[dict[str, Any]], insert: Any) -> None:
    bodies: defaultdict[tuple[Any, ...], Body] = defaultdict(dict)
    for row in moved:
        for of, name in _names(row):
            _put(bodies[row["tenant"], row["step_s"], of, row["at_s"], name], row)
    times = sorted({(row["tenant"], row["step_s"], row["at_s"]) for row in moved})
    before = await connection.execute(sa.select(packed).where(
        sa.tuple_(packed.c.tenant, packed.c.step_s, packed.c.at_s).in_(times)))
    for row in before.mappings():
        key = tuple(row[name] for name in _PACKED)
        if key in bodies:
            _merge(bodies[key], json.loads(row["body"]))
    statement = insert(packed)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[packed.c[name] for name in _PACKED], set_={"body": statement.excluded.body}),
        [{**dict(zip(_PACKED, key, strict=True)), "body": json.dumps(body, separators=(",", ":"))}
         for key, body in sorted(bodies.items(), key=lambda item: tuple(map(str, item[0])))])


def _names(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield ALL, ""
    yield PLACE, json.dumps([row[column.name] for column in GROUPS.values()], ensure_ascii=False)
    for of, column in GROUPS.items():
        yield of, row[column.name]


def _put(body: Body, row: Mapping[str, Any]) -> None:
    slot = body.setdefault(row["measure"], [0.0, {}])
    slot[0] += row["total"]
    bucket = str(row["bucket"])
    slot[1][bucket] = slot[1].get(bucket, 0) + row["count"]


def _merge(body: Body, other: Body) -> None:
    for measure, (total, buckets) in other.items():
        slot = body.setdefault(measure, [0.0, {}])
        slot[0] += total
        for bucket, count in buckets.items():
            slot[1][bucket] = slot[1].get(bucket, 0) + count


async def delete_old(connection: AsyncConnection, now_s: int) -> int:
    """Delete a bounded number of what is kept no longer. How many."""
    old = sa.or_(*(
        sa.and_(packed.c.step_s == step_s, packed.c.at_s <= now_s - kept_s)
        for step_s, kept_s in STEPS.items() if kept_s))
    key = tuple(packed.primary_key.columns)
    return (await connection.execute(
        sa.delete(packed).where(sa.tuple_(*key).in_(sa.select(*key).where(old).limit(_AT_ONCE))))).rowcount


async def read(
    connection: AsyncConnection, tenant: str, times: tuple[int, int, int], by: str, where: Mapping[str, str],
) -> list[Counted]:  # fmt: skip
    """What was counted in ``times``: a step, from when on, and before when.

    ``by``: one of `GROUPS`, or ``""``: by time.
    """
    step_s, from_s, until_s = times
    fine_by = GROUPS[by] if by else counts.c.at_s
    fine = sa.select(
        fine_by, counts.c.measure, counts.c.bucket, sa.func.sum(counts.c.count), sa.func.sum(counts.c.total),
        sa.literal("").label("body"), sa.literal("").label("name"),
    ).where(
        counts.c.tenant == tenant, counts.c.step_s == step_s, counts.c.at_s >= from_s, counts.c.at_s < until_s,
        *(GROUPS[name] == value for name, value in where.items())).group_by(fine_by, counts.c.measure, counts.c.bucket)
    of = PLACE if len(where) + bool(by) > 1 else by or next(iter(where), ALL)
    coarse = sa.select(
        packed.c.name if by else packed.c.at_s, sa.literal(""), sa.literal(0), sa.literal(0), sa.literal(0.0),
        packed.c.body, packed.c.name,
    ).where(
        packed.c.tenant == tenant, packed.c.step_s == step_s, packed.c.of == of, packed.c.at_s >= from_s,
        packed.c.at_s < until_s, *([packed.c.name == next(iter(where.values()))] if where and of != PLACE else []))
    found: list[Counted] = []
    for group, measure, bucket, count, total, body, name in await connection.execute(sa.union_all(fine, coarse)):
        if not body:
            found.append((group, measure, {str(bucket): int(count)}, float(total)))
        elif of != PLACE:
            found += _unpacked(group, json.loads(body))
        else:
            place = dict(zip(GROUPS, json.loads(name), strict=True))
            if where.items() <= place.items():
                found += _unpacked(place[by] if by else group, json.loads(body))
    return found


def _unpacked(group: Any, body: Body) -> Iterable[Counted]:
    return ((group, measure, buckets, total) for measure, (total, buckets) in body.items())
