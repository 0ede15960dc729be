"""Composition: the exports that the settings name, at work while the server runs."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.config_checks import is_loopback
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.export.queue import RENEW_S, ExportQueue
from pysandbox.gateway.telemetry.export.shipping import Destination, Figures, Shipping
from pysandbox.gateway.telemetry.export.splunk import SplunkDestination
from pysandbox.gateway.telemetry.export.wire import Certificates, NotTakenError, Wire
from pysandbox.gateway.telemetry.store import TelemetryStore

METRICS_S: Final = 60.0
_AFTER_MIDNIGHT_S: Final = 3600
"""So long the day before is told too: records of it still come."""
_DAY_S: Final = 86_400


@runtime_checkable
class Measured(Protocol):
    """A destination that takes totals as well."""

    async def send_totals(self, rows: Sequence[Mapping[str, Any]], begin_s: int, until_s: int) -> None: ...


@asynccontextmanager
async def open_exports(
    settings: Settings, database: Database, registry: CollectorRegistry, now_ms: Callable[[], int],
) -> AsyncGenerator[None]:  # fmt: skip
    """Raises `SandboxError` ``INPUT_INVALID`` for settings that cannot work."""
    check(settings)
    certificates = Certificates(settings.export_ca_file, settings.export_certificate_file, settings.export_key_file)
    async with AsyncExitStack() as stack:
        figures = Figures(registry)
        for destination, wire in _destinations(settings, certificates):
            stack.push_async_callback(wire.close)
            queue = ExportQueue(
                database, destination.name, holder=secrets.token_hex(16), backlog=settings.export_backlog,
                now_ms=now_ms)
            await queue.open()
            shipping = Shipping(queue, destination, figures, jitter=random.random)
            await stack.enter_async_context(_working(queue, shipping, destination, TelemetryStore(database)))
        yield


def check(settings: Settings) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` with all that is wrong."""
    found: list[Problem] = []
    urls = {"export_otlp_url": settings.export_otlp_url, "export_splunk_url": settings.export_splunk_url}
    for name, url in urls.items():
        parts = urlsplit(url)
        if url and not (parts.scheme == "https" and parts.hostname) and not (
                parts.scheme == "http" and is_loopback(parts.hostname or "")):  # fmt: skip
            found.append(Problem(name, "is no https:// address", "write https://HOST:PORT; http:// to loopback alone"))
    if bool(settings.export_splunk_url) != bool(settings.export_splunk_token):
        found.append(Problem("export_splunk_token", "Splunk needs address and token", "set both or none"))
    if settings.export_key_file is not None and settings.export_certificate_file is None:
        found.append(Problem("export_key_file", "is of no certificate", "set export_certificate_file"))
    if found:
        raise SandboxError(Code.INPUT_INVALID, "the settings of the export are not usable", details=found)
    if settings.export_otlp_url or settings.export_splunk_url:
        Certificates(settings.export_ca_file, settings.export_certificate_file, settings.export_key_file).context()


def _destinations(settings: Settings, certificates: Certificates) -> Iterator[tuple[Destination, Wire]]:
    if settings.export_otlp_url:
        try:
            from pysandbox.gateway.telemetry.export.otlp import OtlpDestination  # noqa: PLC0415  # an extra
        except ModuleNotFoundError as error:
            raise SandboxError(
                Code.INPUT_INVALID, "export_otlp_url needs a package: pip install 'pysandbox[otel]'") from error
        wire = Wire(certificates)
        yield OtlpDestination(settings.export_otlp_url, wire, time.time), wire
    if settings.export_splunk_url:
        wire = Wire(certificates)
        yield SplunkDestination(
            settings.export_splunk_url, settings.export_splunk_token, str(uuid.uuid4()), wire, time.time,
            asyncio.sleep), wire


@asynccontextmanager
async def _working(
    queue: ExportQueue, shipping: Shipping, destination: Destination, store: TelemetryStore,
) -> AsyncGenerator[None]:  # fmt: skip
    """One replica sends, the others look now and then whether it still does."""
    held = asyncio.Event()

    async def hold() -> None:
        while True:
            with suppress(SandboxError):  # the database is away: the next look will do
                if await queue.hold():
                    held.set()
                else:
                    held.clear()
            await asyncio.sleep(RENEW_S)

    async def ship() -> None:
        while True:
            await held.wait()
            await asyncio.sleep(await shipping.step())

    async def measure() -> None:
        while isinstance(destination, Measured):
            await held.wait()
            with suppress(SandboxError, NotTakenError):  # they are totals: the next ones hold these
                await send_totals(store, destination, int(time.time()))
            await asyncio.sleep(METRICS_S)

    tasks = [asyncio.create_task(work()) for work in (hold, ship, measure)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(SandboxError):  # the lease ends by itself
            await queue.release()


async def send_totals(store: TelemetryStore, destination: Measured, now_s: int) -> None:
    """The totals of today, and for a while those of the day before. Raises as its parts do."""
    for begin_s in sorted({at_s // _DAY_S * _DAY_S for at_s in (now_s - _AFTER_MIDNIGHT_S, now_s)}):
        rows = await store.day(begin_s)
        if rows:
            await destination.send_totals(rows, begin_s, min(now_s, begin_s + _DAY_S))
