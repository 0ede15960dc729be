"""Counts of times that are over are packed: the same figures as before, from few rows, whenever a record comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_counts, telemetry_packed
from pysandbox.gateway.telemetry import figures, packing
from pysandbox.gateway.telemetry.store import DAY_MS, TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import NOW_MS, failed, rows, told

NOW_S = NOW_MS // 1000
AGES_MS = (0, 20 * 60_000, 3 * 3_600_000, 2 * DAY_MS, 5 * DAY_MS, 20 * DAY_MS)
WINDOWS_S = (3600, 3 * 3600, 86_400, 30 * 86_400)
FILTERS: tuple[dict[str, str], ...] = (
    {}, {"queue": "sales"}, {"vendor": "com.vendor"}, {"queue": "sales", "environment": "staging"},
    {"queue": "sales", "context": "desktop"})


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_AT_ONCE", 7)
    monkeypatch.setattr("pysandbox.gateway.telemetry.store._PAUSE_S", 0)


def batch(first: int) -> list[Any]:
    """Of many ages, in two queues and two environments."""
    found: list[dict[str, Any]] = []
    for number, age_ms in enumerate(AGES_MS * 2, first):
        place = {"queue": ("support", "sales")[number % 2], "environment": ("prod", "staging")[number % 4 // 2]}
        metrics = {"durationMs": 37.5 * (number + 1), "memoryUsedMB": 20 + number, "networkLatencyMs": 0,
                   "statusCode": 200}
        found.append((failed if number % 3 else told)(number, NOW_MS - age_ms, **place))
        found[-1]["metrics"] = metrics
    return rows(*found)


async def everything(store: TelemetryStore) -> list[object]:
    """Every figure that somebody can ask for."""
    return [
        *[await figures.health(store, "acme", by, window_s, NOW_S) for by in packing.GROUPS for window_s in WINDOWS_S],
        *[await figures.series(store, "acme", window_s, NOW_S, where) for window_s in WINDOWS_S for where in FILTERS],
        await figures.windows(store, "acme", "plugin", 3600, NOW_S), await store.tenants(NOW_S - 2400)]


async def lines(database: Database, table: sa.Table) -> int:
    async with database.begin() as connection:
        return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


def work_with(folder: Path, work: Callable[[Database, TelemetryStore], Awaitable[None]]) -> None:
    with_database(folder, lambda database: work(database, TelemetryStore(database)))


def test_packed_figures_are_the_same_also_when_more_comes_behind(tmp_path: Path) -> None:
    async def work(database: Database, store: TelemetryStore) -> None:
        plain = TelemetryStore(database)
        for first in (0, 100):
            for tenant in ("acme", "other"):
                await store.keep(tenant, batch(first), 3, NOW_MS)
            before, fine = await everything(plain), await lines(database, telemetry_counts)
            await store.sweep(NOW_MS)
            assert await everything(plain) == before
            assert await lines(database, telemetry_counts) < fine
        assert await lines(database, telemetry_packed) > 0

    work_with(tmp_path, work)


def test_what_is_going_on_is_not_packed_and_what_is_over_is(tmp_path: Path) -> None:
    async def work(database: Database, store: TelemetryStore) -> None:
        await store.keep("acme", rows(told(1)), 0, NOW_MS)
        await store.sweep(NOW_MS)
        assert await lines(database, telemetry_packed) == 0
        await store.sweep(NOW_MS + 3 * DAY_MS - 60_000)
        assert await lines(database, telemetry_counts) == 0
        async with database.begin() as connection:
            steps = set((await connection.execute(sa.select(telemetry_packed.c.step_s))).scalars())
        assert steps == {60, 3600, 86_400}

    work_with(tmp_path, work)


def test_fine_counts_go_when_their_time_is_over_and_those_of_days_stay(tmp_path: Path) -> None:
    async def work(database: Database, store: TelemetryStore) -> None:
        await store.keep("acme", rows(told(1), failed(2)), 0, NOW_MS)
        await store.sweep(NOW_MS + packing.STEPS[3600] * 1000 + DAY_MS)
        async with database.begin() as connection:
            steps = set((await connection.execute(sa.select(telemetry_packed.c.step_s))).scalars())
        assert steps == {86_400}
        (day,) = await figures.series(store, "acme", 200 * 86_400, NOW_S + packing.STEPS[3600], {})
        assert (day["count"], day["failed"]) == (2, 1)

    work_with(tmp_path, work)


def test_the_oddest_names_are_packed(tmp_path: Path) -> None:
    async def work(database: Database, store: TelemetryStore) -> None:
        odd: dict[str, Any] = {"queue": "\u0001" * 128, "environment": "\u0001" * 64}
        await store.keep("acme", rows(told(1, **odd), told(2)), 0, NOW_MS)
        await store.sweep(NOW_MS + 3 * DAY_MS)
        assert await lines(database, telemetry_counts) == 0
        (day,) = await figures.series(store, "acme", 30 * 86_400, NOW_S, odd)
        assert day["count"] == 1
        async with database.begin() as connection:
            packed = list((await connection.execute(sa.select(telemetry_packed.c.name))).scalars())
        assert 1000 < max(map(len, packed)) < 2000  # as the column has it

    work_with(tmp_path, work)


def test_a_piece_that_fails_is_not_half_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(database: Database, store: TelemetryStore) -> None:
        await store.keep("acme", batch(0), 0, NOW_MS)
        before, fine = await everything(store), await lines(database, telemetry_counts)

        def broken(*_: object) -> None:
            raise ArithmeticError

        monkeypatch.setattr(packing, "_put", broken)
        with pytest.raises(ArithmeticError):
            await store.sweep(NOW_MS)
        assert await everything(store) == before
        assert await lines(database, telemetry_counts) == fine

    work_with(tmp_path, work)
