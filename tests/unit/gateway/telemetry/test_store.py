"""Records at rest: kept once, counted once, deleted in time, erased by name; and the figures made of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
import sqlalchemy.event

from pysandbox.core.telemetry.alerts import Figures
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_records
from pysandbox.gateway.telemetry import figures, names
from pysandbox.gateway.telemetry.store import DAY_MS, RAW_MS, TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import KEYS, NOW_MS, PLUGIN, SENDER, failed, rows, told

T = TypeVar("T")
NOW_S = NOW_MS // 1000


def with_store(folder: Path, work: Callable[[TelemetryStore], Awaitable[T]]) -> T:
    return with_database(folder, lambda database: work(TelemetryStore(database)))


async def count(store: TelemetryStore, table: Any = telemetry_records) -> int:
    async with store._database.begin() as connection:  # pyright: ignore[reportPrivateUsage]
        return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


def test_what_comes_twice_is_kept_and_counted_once(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        batch = rows(told(1), told(2), told(2))
        assert await store.keep("acme", batch, 0, NOW_MS) == 2
        assert await store.keep("acme", [*batch, *rows(told(3))], 0, NOW_MS) == 1
        assert await store.keep("other", batch, 0, NOW_MS) == 2  # another tenant's ids are its own
        assert await count(store) == 5
        assert (await figures.health(store, "acme", "plugin", 3600, NOW_S))[PLUGIN]["count"] == 3

    with_store(tmp_path, work)


def test_a_page_that_makes_up_names_fills_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_up(kind: str, batch: int) -> dict[str, str]:
        return {kind: f"{'A' if kind == 'code' else 'a'}{batch}"}

    async def groups(store: TelemetryStore, tenant: str, most: int) -> list[int]:
        monkeypatch.setattr(names, "MOST_NAMES", most)
        for number in range(40):
            await store.keep(tenant, rows(failed(number, **made_up("queue", number), **made_up(
                "environment", number)) | made_up("code", number)), 0, NOW_MS)
        found = [await figures.health(store, tenant, by, 3600, NOW_S) for by in ("queue", "environment")]
        codes = (await figures.health(store, tenant, "plugin", 3600, NOW_S))[PLUGIN]["codes"]
        assert [sum(group["count"] for group in one.values()) for one in found] == [40, 40]
        return [*map(len, found), len(codes)]

    async def work(store: TelemetryStore) -> None:
        assert await groups(store, "control", 1000) == [40, 40, 40]
        assert await groups(store, "acme", 20) == [21, 21, 21]  # and one for all others
        assert (await figures.health(store, "acme", "queue", 3600, NOW_S))["(other)"]["count"] == 20
        assert await count(store) == 80  # the records are all there

    with_store(tmp_path, work)


def test_names_are_a_days() -> None:
    known = names.Names()
    assert [known.of("acme", "queue", f"q{n}", NOW_MS) for n in range(names.MOST_NAMES + 1)][-2:] == ["q499", "(other)"]
    assert known.of("acme", "queue", "q0", NOW_MS) == "q0"
    assert known.of("other", "queue", "new", NOW_MS) == "new"
    assert known.of("acme", "queue", "new", NOW_MS + DAY_MS) == "new"


def test_health_by_group(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        alert = told(5, kind="alert", alert={"code": "PROTOCOL_VIOLATION", "rule": "seq", "evidence": ""})
        await store.keep("acme", rows(
            told(1), told(2, queue="sales"), failed(3), told(4, kind="log", log={
                "level": "info", "message": "Ada", "fields": {}}), alert), 7, NOW_MS)
        health = await figures.health(store, "acme", "plugin", 3600, NOW_S)
        shown = health[PLUGIN]
        assert (shown["count"], shown["failed"], shown["errorRate"]) == (3, 1, 0.3333)
        assert shown["statuses"] == {"ok": 2, "timeout": 1}
        assert shown["codes"] == {"PLUGIN_TIMEOUT": 1}
        assert shown["alerts"] == {"PROTOCOL_VIOLATION": 1}
        assert shown["masked"] == 1
        assert abs(shown["p50Ms"] - 120) <= 3
        assert abs(shown["p99Ms"] - 120) <= 3
        assert shown["averageMs"] == 1080
        assert health[""]["gap"] == 7
        by_queue = await figures.health(store, "acme", "queue", 3600, NOW_S)
        assert {name: group["count"] for name, group in by_queue.items()} == {"": 0, "sales": 1, "support": 2}
        assert await figures.health(store, "other", "plugin", 3600, NOW_S) == {}
        assert await figures.health(store, "acme", "plugin", 3600, NOW_S - 7200) == {}

    with_store(tmp_path, work)


def test_a_series_has_a_point_for_each_time_in_which_something_happened(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        await store.keep("acme", rows(*(told(at, NOW_MS - at * 60_000) for at in range(5))), 0, NOW_MS)
        points = await figures.series(store, "acme", 3 * 60, NOW_S, {"plugin": PLUGIN})
        assert [point["count"] for point in points] == [1, 1, 1, 1]
        assert all(point["at"] % 60 == 0 for point in points)
        assert await figures.series(store, "acme", 600, NOW_S, {"queue": "other"}) == []
        (day,) = await figures.series(store, "acme", 30 * 86_400, NOW_S, {})
        assert day["count"] == 5

    with_store(tmp_path, work)


def test_alert_rules_see_whole_minutes(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        await store.keep("acme", rows(told(1, NOW_MS - 60_000), failed(2, NOW_MS - 60_000), failed(3)), 0, NOW_MS)
        seen = await figures.windows(store, "acme", "plugin", 300, NOW_S)
        assert seen == {PLUGIN: Figures(2, 1, 3120.0)}
        assert await store.tenants(NOW_S - 3600) == ["acme"]

    with_store(tmp_path, work)


def test_raw_records_go_after_thirty_days_and_what_was_counted_of_a_day_stays(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        await store.keep("acme", rows(told(1), failed(2)), 0, NOW_MS)
        assert await store.delete_old(NOW_MS + RAW_MS - 1) == 0
        assert await store.delete_old(NOW_MS + RAW_MS) == 2
        assert await count(store) == 0
        (day,) = await figures.series(store, "acme", 60 * 86_400, NOW_S + RAW_MS // 1000, {})
        assert (day["count"], day["failed"]) == (2, 1)
        assert await store.keep("acme", rows(told(9)), 0, NOW_MS + RAW_MS) == 0  # too old when it comes

    with_store(tmp_path, work)


def test_retention_goes_on_until_nothing_old_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pysandbox.gateway.telemetry.store._DELETED_AT_ONCE", 2)
    monkeypatch.setattr("pysandbox.gateway.telemetry.store._PAUSE_S", 0)

    async def work(store: TelemetryStore) -> None:
        await store.keep("acme", rows(*(told(number) for number in range(5))), 0, NOW_MS)
        assert await store.delete_old(NOW_MS + RAW_MS) == 2
        assert await store.sweep(NOW_MS + RAW_MS) == 3
        assert await count(store) == 0

    with_store(tmp_path, work)


@pytest.mark.parametrize(("most", "index"), [
    ({"status": "timeout"}, "telemetry_failed"), ({"kind": "alert"}, "telemetry_alerted"), ({"status": "ok"}, ""),
    ({}, "telemetry_by_tenant"), ({"plugin_id": PLUGIN}, "telemetry_by_plugin")])
def test_the_newest_are_found_by_an_index_and_none_is_sorted(
    tmp_path: Path, most: dict[str, str], index: str,
) -> None:  # fmt: skip
    async def work(database: Database) -> None:
        store, asked = TelemetryStore(database), []
        await store.keep("acme", rows(*(told(number) for number in range(50)), failed(50)), 0, NOW_MS)
        sa.event.listen(
            database._engine.sync_engine, "before_cursor_execute",
            lambda _c, _cursor, statement, given, _context, _many: asked.append((statement, given)))
        await store.newest("acme", most=most)
        async with database.begin() as connection:
            plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])).all()
        assert "TEMP B-TREE" not in str(plan)
        assert (index in str(plan)) if index else not {"telemetry_failed", "telemetry_alerted"} & set(str(plan).split())

    with_database(tmp_path, work)


def test_figures_of_long_times_are_counted_coarsely_and_are_near_all_the_same(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        metrics = [{"durationMs": 10.0 * at, "memoryUsedMB": float(at), "networkLatencyMs": 0, "statusCode": 200}
                   for at in range(1, 101)]
        await store.keep("acme", rows(*(told(at, metrics=one) for at, one in enumerate(metrics))), 0, NOW_MS)
        fine, coarse = [
            (await figures.health(store, "acme", "plugin", window_s, NOW_S))[PLUGIN] for window_s in (600, 30 * 86_400)]
        for name, exact in (("p50Ms", 500), ("p95Ms", 950), ("p99Ms", 990)):
            assert abs(fine[name] - exact) <= 0.03 * exact
            assert abs(coarse[name] - exact) <= 0.07 * exact
        assert abs(coarse["memoryMB"] - 95) <= 0.11 * 95
        assert coarse["averageMs"] == fine["averageMs"] == 505.0

    with_store(tmp_path, work)


def test_somebody_is_erased_by_all_their_names(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        other = SENDER.__class__("acme", "eve", SENDER.words)
        await store.keep("acme", [*rows(told(1)), *rows(told(2), sender=other)], 0, NOW_MS)
        assert await store.erase("other", KEYS.subjects("acme", "ada", NOW_MS, RAW_MS)) == 0
        assert await store.erase("acme", KEYS.subjects("acme", "ada", NOW_MS, RAW_MS)) == 1
        (left,) = await store.newest("acme")
        assert left["subject"] == KEYS.subject("acme", "eve", NOW_MS)

    with_store(tmp_path, work)


def test_the_newest_come_in_order_and_what_follows_can_be_asked_for(tmp_path: Path) -> None:
    async def work(store: TelemetryStore) -> None:
        await store.keep("acme", rows(*(told(at) for at in range(5)), failed(9)), 0, NOW_MS)
        newest = await store.newest("acme", limit=2)
        assert [one["id"] for one in newest] == [f"{4:032x}", f"{9:032x}"]
        assert [one["id"] for one in await store.newest("acme", after=newest[0]["seq"])] == [f"{9:032x}"]
        assert len(await store.newest("acme", most={"status": "timeout"})) == 1
        assert await store.newest("other") == []

    with_store(tmp_path, work)
