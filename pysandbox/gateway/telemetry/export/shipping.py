"""Batch after batch to one destination, until it has everything: later where it cannot, less where it will not.

A batch that holds something unfit is cut in halves until that one record is found; it is left out and counted, and the
rest goes on. Must not know: SQL, what a batch looks like on its way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.telemetry.export.queue import Batch
from pysandbox.gateway.telemetry.export.wire import NotTakenError

MOST: Final = 500
IDLE_S: Final = 1.0
_BASE_S: Final = 1.0
_MOST_S: Final = 300.0
_log = logging.getLogger("pysandbox.export")


class Queue(Protocol):
    """See `ExportQueue`."""

    async def batch(self, most: int) -> Batch: ...
    async def taken(self, batch: Batch) -> None: ...


class Destination(Protocol):
    """Returns once the batch is there for good. Raises `NotTakenError`. How many of it were refused one by one."""

    @property
    def name(self) -> str: ...
    async def send(self, batch: Batch) -> int: ...


class Figures:
    """What the gateway's ``/metrics`` says of exports."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "pysandbox_export_records", "Records by destination, and what became of them: sent, refused or dropped.",
            ["destination", "result"], registry=registry)
        self.failures = Counter(
            "pysandbox_export_failures", "Batches that were not taken.", ["destination"], registry=registry)
        self.behind = Gauge(
            "pysandbox_export_behind", "Records that wait for the destination.", ["destination"], registry=registry)


class Shipping:
    """``jitter()``: from 0 to 1."""

    def __init__(
        self, queue: Queue, destination: Destination, figures: Figures, *, jitter: Callable[[], float],
    ) -> None:  # fmt: skip
        self._queue = queue
        self._destination = destination
        self._figures = figures
        self._jitter = jitter
        self._most = MOST
        self._failures = 0

    async def step(self) -> float:
        """Send one batch. How many seconds to wait before the next."""
        name = self._destination.name
        try:
            batch = await self._queue.batch(self._most)
        except SandboxError as error:  # our own database is away
            return self._later(error.message, None)
        try:
            self._figures.behind.labels(name).set(batch.behind)
            if not batch.records and not batch.gap:
                return IDLE_S
            refused = await self._destination.send(batch)
            await self._taken(batch, refused)
        except NotTakenError as error:
            return await self._not_taken(batch, error)
        except SandboxError as error:  # our own database is away
            return self._later(error.message, None)
        self._failures = 0
        self._most = min(MOST, self._most * 2)
        return 0.0 if batch.behind > len(batch.records) else IDLE_S

    async def _taken(self, batch: Batch, refused: int) -> None:
        await self._queue.taken(batch)
        for result, count in (
            ("sent", len(batch.records) - refused), ("refused", refused), ("dropped", batch.gap)):
            self._figures.records.labels(self._destination.name, result).inc(count)

    async def _not_taken(self, batch: Batch, error: NotTakenError) -> float:
        if not error.unfit:
            return self._later(str(error), error.after_s)
        if len(batch.records) > 1:
            self._most = len(batch.records) // 2
            return 0.0
        _log.warning("a record is left out, since %s does not take it: %s", self._destination.name, error)
        await self._queue.taken(replace(batch, gap=0))  # what was dropped before is still to be told
        self._figures.records.labels(self._destination.name, "refused").inc(len(batch.records))
        return 0.0 if batch.records else self._later(str(error), None)

    def _later(self, reason: str, after_s: float | None) -> float:
        self._failures += 1
        self._figures.failures.labels(self._destination.name).inc()
        backoff_s = min(_MOST_S, _BASE_S * 2 ** min(self._failures - 1, 16)) * (0.5 + 0.5 * self._jitter())
        if self._failures == 1:
            _log.warning("telemetry waits for %s: %s", self._destination.name, reason)
        return backoff_s if after_s is None else after_s + backoff_s * 0.1
