"""What waits to be sent is bounded, counted, and leaves only when it was acknowledged."""

from __future__ import annotations

import json

import pytest

from pysandbox.core.telemetry import outbox
from pysandbox.core.telemetry.outbox import Outbox


def filled(count: int) -> Outbox:
    box = Outbox(lambda: 1.0)
    for at in range(count):
        box.put(json.dumps({"id": at}))
    return box


def ids(body: str) -> list[int]:
    return [record["id"] for record in json.loads(body)["records"]]


def test_a_batch_is_the_oldest_and_stays_until_acknowledged() -> None:
    box = filled(150)
    first = box.batch()

    assert ids(first) == list(range(outbox.BATCH_RECORDS))
    assert box.batch() == first
    box.acknowledged(0)
    assert ids(box.batch()) == list(range(100, 150))
    box.acknowledged(0)
    assert box.batch() == ""


def test_a_batch_is_bounded_in_size_and_has_one_record_at_least() -> None:
    assert ids(filled(10).waiting(30)) == [0, 1, 2]
    assert ids(filled(10).waiting(1)) == [0]


def test_a_look_at_what_waits_changes_nothing_about_what_is_on_its_way() -> None:
    box = filled(2)
    box.batch()
    box.put('{"id":2}')
    box.waiting(1000)
    box.acknowledged(0)

    assert ids(box.batch()) == [2]


def test_the_oldest_are_dropped_and_the_gap_is_told_once() -> None:
    box = filled(outbox.MAX_RECORDS + 3)

    body = json.loads(box.batch())
    assert body["gap"] == 3
    assert body["records"][0]["id"] == 3
    box.acknowledged(3)
    assert json.loads(box.batch())["gap"] == 0


def test_what_is_dropped_while_it_is_on_its_way_is_not_acknowledged_twice() -> None:
    box = filled(outbox.MAX_RECORDS)
    box.batch()
    box.put('{"id":"new"}')
    box.acknowledged(0)

    assert len(box) == outbox.MAX_RECORDS - outbox.BATCH_RECORDS + 1
    assert ids(box.batch())[0] == outbox.BATCH_RECORDS


def test_characters_are_bounded_too() -> None:
    box = Outbox(lambda: 0.0)
    for _ in range(3):
        box.put("x" * (outbox.MAX_CHARS // 2))

    assert len(box) == 2
    assert box.gap == 1


def test_a_refused_batch_is_counted_as_a_gap() -> None:
    box = filled(2)
    box.batch()
    box.refused()

    assert json.loads(box.batch()) == {"records": [], "gap": 2}


@pytest.mark.parametrize(("failures", "wait_ms"), [(1, 1000), (2, 2000), (3, 4000), (7, 60_000), (100, 60_000)])
def test_the_wait_doubles_up_to_a_minute(failures: int, wait_ms: float) -> None:
    box = filled(1)
    for _ in range(failures - 1):
        box.failed()

    assert box.failed() == wait_ms


def test_jitter_halves_at_most_and_success_starts_again() -> None:
    box = Outbox(lambda: 0.0)
    assert box.failed() == 500
    box.acknowledged(0)
    assert box.failed() == 500
