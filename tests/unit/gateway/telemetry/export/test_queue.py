"""The disk queue: from where a destination began, bounded, with what was dropped counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.export.queue import ExportQueue
from pysandbox.gateway.telemetry.store import RAW_MS, TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import NOW_MS, rows, told


def queue(database: Database, backlog: int = 1000, holder: str = "a") -> ExportQueue:
    return ExportQueue(database, "otlp", holder=holder, backlog=backlog, now_ms=lambda: NOW_MS)


async def keep(database: Database, *numbers: int) -> None:
    await TelemetryStore(database).keep("acme", rows(*(told(number) for number in numbers)), 0, NOW_MS)


async def ids(waiting: ExportQueue, most: int = 100) -> list[int]:
    return [int(record["id"], 16) for _, record in (await waiting.batch(most)).records]


def test_a_new_destination_gets_what_comes_from_then_on_in_order(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await keep(database, 1)
        waiting = queue(database)
        await waiting.open()
        await keep(database, 3, 4)
        await keep(database, 2)
        assert await ids(waiting, 2) == [3, 4]
        await waiting.taken(await waiting.batch(2))
        again = queue(database, holder="b")  # after a restart
        await again.open()
        assert await ids(again) == [2]
        batch = await again.batch(100)
        assert (batch.behind, batch.gap, batch.records[0][0]) == (1, 0, "acme")

    with_database(tmp_path, work)


def test_what_was_sent_by_another_meanwhile_is_not_taken_back(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        slow, fast = queue(database), queue(database, holder="b")
        await slow.open()
        await keep(database, 1, 2)
        late = await slow.batch(1)
        await fast.taken(await fast.batch(2))
        await slow.taken(late)
        assert await ids(slow) == []

    with_database(tmp_path, work)


def test_what_is_too_far_behind_is_dropped_and_counted_until_it_is_told(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        waiting = queue(database, backlog=3)
        await waiting.open()
        await keep(database, *range(1, 9))
        batch = await waiting.batch(100)
        assert (await ids(waiting), batch.gap) == ([6, 7, 8], 5)
        await waiting.taken(batch)
        assert (await waiting.batch(100)).gap == 0

    with_database(tmp_path, work)


def test_what_retention_deletes_before_it_was_sent_is_counted(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        waiting = queue(database)
        await waiting.open()
        await keep(database, 1, 2, 3)
        await waiting.taken(await waiting.batch(1))
        assert await TelemetryStore(database).delete_old(NOW_MS + RAW_MS) == 3
        batch = await waiting.batch(100)
        assert (batch.gap, batch.records) == (2, [])

    with_database(tmp_path, work)


def test_what_comes_after_the_newest_was_erased_is_not_missed(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        waiting, store = queue(database), TelemetryStore(database)
        await waiting.open()
        await keep(database, 1, 2)
        await waiting.taken(await waiting.batch(100))
        subject = (await store.newest("acme"))[0]["subject"]
        assert await store.erase("acme", [subject]) == 2
        await keep(database, 3)
        assert await ids(waiting) == [3]

    with_database(tmp_path, work)


@pytest.mark.parametrize("shared", [False, True])
def test_one_of_several_replicas_sends_until_its_lease_ends(
    tmp_path: Path, shared: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    now = [NOW_MS]

    async def work(database: Database) -> None:
        monkeypatch.setattr(Database, "is_shared", shared)
        first, second = (
            ExportQueue(database, "otlp", holder=name, backlog=9, now_ms=lambda: now[0]) for name in "ab")
        monkeypatch.setattr(ExportQueue, "_horizon", _nothing)
        await first.open()
        assert await first.hold()
        assert await second.hold() is not shared  # SQLite has one gateway: a lease of one that was killed is void
        if shared:
            now[0] += 15_001
            assert await second.hold()
            assert not await first.hold()
            await second.release()
            assert await first.hold()

    with_database(tmp_path, work)


async def _nothing(_queue: ExportQueue) -> int:
    return 0
