"""Batch after batch: what an answer does to the next batch, to the wait before it, and to what counts as sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.telemetry.export.queue import Batch
from pysandbox.gateway.telemetry.export.shipping import IDLE_S, Figures, Shipping
from pysandbox.gateway.telemetry.export.wire import Answer, NotTakenError
from tests.unit.gateway.telemetry.records import NOW_MS, told


class Line:
    """A queue in memory and its destination, which does as ``answer`` says."""

    name = "line"

    def __init__(self, count: int, gap: int = 0) -> None:
        self.waiting: list[tuple[str, dict[str, Any]]] = [("acme", told(number)) for number in range(count)]
        self.gap = gap
        self.sizes: list[int] = []
        self.arrived: list[int] = []
        self.answer: Callable[[Batch], int] = lambda _batch: 0
        self.registry = CollectorRegistry()
        self.shipping = Shipping(self, self, Figures(self.registry), jitter=lambda: 1.0)

    async def batch(self, most: int) -> Batch:
        return Batch(self.waiting[:most], self.gap, 0, 0, len(self.waiting))

    async def taken(self, batch: Batch) -> None:
        self.waiting = self.waiting[len(batch.records):]
        self.gap -= batch.gap

    async def send(self, batch: Batch) -> int:
        self.sizes.append(len(batch.records))
        refused = self.answer(batch)
        self.arrived += [int(record["id"], 16) for _, record in batch.records]
        return refused

    def steps(self, count: int) -> list[float]:
        async def run() -> list[float]:
            return [await self.shipping.step() for _ in range(count)]

        return asyncio.run(run())

    def counted(self, result: str) -> float:
        return self.registry.get_sample_value(
            "pysandbox_export_records_total", {"destination": "line", "result": result}) or 0


def refuses(error: Exception) -> Callable[[Batch], int]:
    def answer(_batch: Batch) -> int:
        raise error

    return answer


def test_everything_goes_in_order_and_then_it_is_idle() -> None:
    line = Line(1200, gap=7)
    assert line.steps(4) == [0.0, 0.0, IDLE_S, IDLE_S]
    assert line.arrived == list(range(1200))
    assert (line.counted("sent"), line.counted("dropped"), line.gap) == (1200, 7, 0)


def test_what_was_not_taken_is_sent_again_later_and_later() -> None:
    line = Line(3)
    line.answer = refuses(NotTakenError("dead"))
    assert line.steps(5) == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert line.steps(9)[-1] == 300.0
    assert line.counted("sent") == 0
    line.answer = lambda _batch: 0
    line.steps(1)
    assert line.arrived == [0, 1, 2]
    line.waiting = [("acme", told(4))]
    line.answer = refuses(NotTakenError("dead"))
    assert line.steps(1) == [1.0]  # success forgets failures


def test_no_two_gateways_come_back_at_once() -> None:
    waits: list[float] = []
    for share in (0.0, 0.5):
        line = Line(1)
        line.answer = refuses(NotTakenError("dead"))
        line.shipping = Shipping(line, line, Figures(CollectorRegistry()), jitter=lambda share=share: share)
        waits += line.steps(1)
    assert waits == [0.5, 0.75]


def test_a_destination_says_when_it_wants_to_be_asked() -> None:
    line = Line(1)
    line.answer = refuses(NotTakenError("busy", after_s=120.0))
    assert line.steps(1) == [120.1]


def test_one_unfit_record_is_found_left_out_and_counted() -> None:
    line = Line(64)

    def answer(batch: Batch) -> int:
        if any(record["id"] == told(37)["id"] for _, record in batch.records):
            raise NotTakenError("status 400", unfit=True)
        return 0

    line.answer = answer
    line.steps(20)
    assert line.arrived == [number for number in range(64) if number != 37]
    assert (line.counted("sent"), line.counted("refused")) == (63, 1)


def test_a_gap_that_is_not_taken_stays() -> None:
    line = Line(0, gap=3)
    line.answer = refuses(NotTakenError("status 400", unfit=True))
    assert line.steps(2) == [1.0, 2.0]
    assert line.gap == 3


def test_what_the_destination_refuses_by_itself_is_counted() -> None:
    line = Line(5)
    line.answer = lambda _batch: 2
    line.steps(1)
    assert (line.counted("sent"), line.counted("refused")) == (3, 2)


def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_line: Line, _most: int) -> Batch:
        raise SandboxError(Code.STATE_UNAVAILABLE, "away")

    monkeypatch.setattr(Line, "batch", away)
    assert Line(1).steps(2) == [1.0, 2.0]


@pytest.mark.parametrize(("status", "header", "after_s", "unfit"), [
    (429, "17", 17.0, False), (503, "Tue, 14 Nov 2023 22:13:30 GMT", 10.0, False), (503, "soon", None, False),
    (429, "999999999", 3600.0, False), (429, "Tue, 14 Nov 2023 22:00:00 GMT", 0.0, False), (400, "", None, True),
    (413, "", None, True), (401, "", None, False), (404, "", None, False), (302, "", None, False)])
def test_what_an_answer_means(status: int, header: str, after_s: float | None, unfit: bool) -> None:
    error = Answer(status, b"", header).refusal(lambda: NOW_MS / 1000)
    assert (error.after_s, error.unfit) == (after_s, unfit)
