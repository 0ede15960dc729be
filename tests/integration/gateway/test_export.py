"""Export to real servers of the wire protocols, over TLS with client certificates: good, dead, slow, refusing and
rate-limiting ones, and a gateway that starts again with a full queue. Whatever they do, every record arrives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import trustme
import yaml
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.export.otlp import OtlpDestination
from pysandbox.gateway.telemetry.export.queue import ExportQueue
from pysandbox.gateway.telemetry.export.running import check, open_exports, send_totals
from pysandbox.gateway.telemetry.export.shipping import Figures, Shipping
from pysandbox.gateway.telemetry.export.splunk import SplunkDestination
from pysandbox.gateway.telemetry.export.wire import Wire
from pysandbox.gateway.telemetry.store import RAW_MS, TelemetryStore
from tests.integration.documents import ROOT
from tests.integration.gateway.receivers import TOKEN, Authority, Receiver, receiving
from tests.integration.services import Service, free_port
from tests.unit.gateway.telemetry.records import NOW_MS, rows, told

KINDS = ["otlp", "splunk"]
LIMIT_S = 60.0


async def nothing(_seconds: float) -> None:
    """No waiting between two questions."""


@dataclass
class Line:
    """A gateway's disk, a receiver, and what ships from one to the other."""

    database: Database
    receiver: Receiver
    authority: Authority
    kind: str
    queue: ExportQueue
    registry: CollectorRegistry
    figures: Figures

    def shipping(self, url: str, *, token: str = TOKEN, timeout_s: float = 10.0) -> tuple[Shipping, Wire]:
        wire = Wire(self.authority.certificates(), timeout_s)
        to = OtlpDestination(url, wire, time.time) if self.kind == "otlp" else SplunkDestination(
            url, token, "c0ffee00-0000-4000-8000-000000000001", wire, time.time, nothing)
        return Shipping(self.queue, to, self.figures, jitter=lambda: 0.5), wire

    async def keep(self, count: int, first: int = 0) -> None:
        kinds: list[dict[str, Any]] = [
            {}, {"kind": "log", "log": {"level": "info", "message": "called", "fields": {}}}]
        for start in range(first, first + count, 100):
            await TelemetryStore(self.database).keep("acme", rows(*(
                told(number, **kinds[number % 2]) for number in range(start, min(start + 100, first + count))
            )), 0, NOW_MS)

    def counted(self, result: str) -> float | None:
        return self.registry.get_sample_value(
            "pysandbox_export_records_total", {"destination": self.kind, "result": result})

    def arrived(self) -> list[int]:
        return sorted(int(one, 16) for one in self.receiver.ids)


@asynccontextmanager
async def line(folder: Path, kind: str, url: str = "", backlog: int = 100_000) -> AsyncIterator[Line]:
    database = Database.open(url or f"sqlite:///{folder}/gateway.db")
    await database.migrate()
    queue = ExportQueue(
        database, kind, holder="a", backlog=backlog, now_ms=lambda: time.time_ns() // 1_000_000)
    await queue.open()
    try:
        registry = CollectorRegistry()
        yield Line(database, Receiver(), Authority(folder / "pki"), kind, queue, registry, Figures(registry))
    finally:
        await database.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moods", [
    ["limits", "503", "302"], ["slow", "500", "401"]], ids=" ".join)
def test_every_record_arrives_whatever_the_receiver_does_first(tmp_path: Path, kind: str, moods: list[str]) -> None:
    async def scenario() -> None:
        async with line(tmp_path, kind) as made, receiving(made.receiver, made.authority, kind) as server:
            made.receiver.moods = list(moods)
            await made.keep(200)
            limit_s = 2.0 if "slow" in moods else LIMIT_S
            shipping, wire = made.shipping(server.url.replace("http:", "https:"), timeout_s=limit_s)
            waits = [await shipping.step() for _ in range(len(moods) + 1)]
            await wire.close()
            assert made.arrived() == list(range(200))
            assert (await made.queue.batch(1)).behind == 0
            assert all(wait > 0 for wait in waits[:-1])
            if "limits" in moods:
                assert waits[0] >= 7.0  # what it asked for

    asyncio.run(scenario())


def test_a_receiver_that_was_dead_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    kind = "splunk"

    async def scenario() -> None:
        async with line(tmp_path, kind) as made:
            await made.keep(200)
            dead, wire = made.shipping(f"https://127.0.0.1:{free_port()}")
            assert [await dead.step() for _ in range(3)] == [0.75, 1.5, 3.0]
            await wire.close()
            async with receiving(made.receiver, made.authority, kind) as server:
                shipping, wire = made.shipping(server.url.replace("http:", "https:"))
                await shipping.step()
                await wire.close()
            assert made.arrived() == list(range(200))

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_one_record_that_is_never_taken_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with line(tmp_path, kind) as made, receiving(made.receiver, made.authority, kind) as server:
            made.receiver.unfit = told(44)["id"]
            await made.keep(100)
            shipping, wire = made.shipping(server.url.replace("http:", "https:"))
            for _ in range(30):
                await shipping.step()
            await wire.close()
            assert set(made.arrived()) == set(range(100)) - {44}
            assert made.counted("refused") == 1

    asyncio.run(scenario())


def test_a_gateway_with_a_strange_certificate_is_none_until_it_has_a_good_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with line(tmp_path, "otlp") as made, receiving(made.receiver, made.authority, "otlp") as server:
            await made.keep(10)
            made.authority.issue(trustme.CA())
            shipping, wire = made.shipping(server.url.replace("http:", "https:"))
            assert await shipping.step() > 0
            assert (made.receiver.asked, made.arrived()) == (0, [])
            made.authority.issue(made.authority.ca)  # rotated: no restart
            await shipping.step()
            await wire.close()
            assert made.arrived() == list(range(10))

    asyncio.run(scenario())


def test_a_receiver_that_nobody_vouches_for_is_sent_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        other = Authority(tmp_path / "other")
        async with line(tmp_path, "otlp") as made, receiving(made.receiver, other, "otlp") as server:
            await made.keep(10)
            shipping, wire = made.shipping(server.url.replace("http:", "https:"))
            assert await shipping.step() > 0
            await wire.close()
            assert made.receiver.asked == 0

    asyncio.run(scenario())


def test_splunk_has_it_only_when_its_indexers_say_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with line(tmp_path, "splunk") as made, receiving(made.receiver, made.authority, "splunk") as server:
            await made.keep(10)
            made.receiver.indexing = False
            shipping, wire = made.shipping(server.url.replace("http:", "https:"))
            assert await shipping.step() > 0
            assert (await made.queue.batch(1)).behind == 10
            made.receiver.indexing = True
            await shipping.step()
            assert made.arrived() == list(range(10))
            wrong, other = made.shipping(server.url.replace("http:", "https:"), token="wrong")
            await made.keep(1, first=10)
            assert await wrong.step() > 0
            assert (await made.queue.batch(1)).behind == 1  # a token can be mended: nothing is thrown away
            await wire.close()
            await other.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_a_gateway_that_starts_again_with_a_full_queue_says_what_it_dropped(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with line(tmp_path, kind) as made:
            await made.keep(1500)
            dead, wire = made.shipping(f"https://127.0.0.1:{free_port()}")
            await dead.step()
            await wire.close()
        async with line(tmp_path, kind, backlog=1000) as made, receiving(
                made.receiver, made.authority, kind) as server:  # fmt: skip
            now = time.time_ns
            files = made.authority.certificates()
            address = {f"export_{kind}_url": server.url.replace("http:", "https:")}
            token = {"export_splunk_token": TOKEN} if kind == "splunk" else {}
            settings = Settings(
                export_ca_file=files.authorities, export_certificate_file=files.certificate, export_key_file=files.key,
                export_backlog=1000, **address, **token)  # pyright: ignore[reportArgumentType]
            async with open_exports(settings, made.database, CollectorRegistry(), lambda: now() // 1_000_000):
                await until(lambda: made.arrived() == list(range(500, 1500)))
            assert made.receiver.gaps == [500]

    asyncio.run(scenario())


def test_totals_of_the_day_arrive(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with line(tmp_path, "otlp") as made, receiving(made.receiver, made.authority, "otlp") as server:
            await made.keep(10)
            wire = Wire(made.authority.certificates())
            to = OtlpDestination(server.url.replace("http:", "https:"), wire, time.time)
            await send_totals(TelemetryStore(made.database), to, NOW_MS // 1000)
            await wire.close()
            (request,) = made.receiver.metrics
            found = {one.name: one for one in request.resource_metrics[0].scope_metrics[0].metrics}
            assert found["pysandbox.invocations"].sum.data_points[0].as_int == 5

    asyncio.run(scenario())


def test_a_record_that_is_committed_after_a_later_one_is_not_passed_over(tmp_path: Path, postgres: Service) -> None:
    """PostgreSQL commits in another order than it numbers."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

    async def scenario() -> None:
        async with line(tmp_path, "otlp", postgres.url) as made:
            late = TelemetryStore(made.database)
            async with made.database.begin() as first:
                held = TelemetryStore(Joined(first, made.database))  # its transaction stays open
                await held.keep("early", rows(told(1)), 0, NOW_MS)
                await late.keep("late", rows(told(2)), 0, NOW_MS)
                asked = asyncio.create_task(made.queue.batch(100))
                async with asyncio.timeout(LIMIT_S):
                    while not asked.done() and not await counted(made.database, waiting):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            assert [int(one["id"], 16) for _, one in (await asked).records] == [1, 2]
            await late.delete_old(NOW_MS + RAW_MS)  # the database is other tests' too

    asyncio.run(scenario())


class Joined(Database):
    """Whose transactions are parts of one that somebody else ends."""

    def __init__(self, connection: AsyncConnection, of: Database) -> None:
        super().__init__(of._engine)
        self._connection = connection

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection]:
        yield self._connection


async def counted(database: Database, query: sa.TextClause) -> int:
    async with database.begin() as connection:
        return (await connection.execute(query)).scalar_one()


def test_spans_that_the_collector_rejects_for_good_are_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with line(tmp_path, "otlp") as made, receiving(made.receiver, made.authority, "otlp") as server:
            made.receiver.rejects = 2
            await made.keep(10)
            shipping, wire = made.shipping(server.url.replace("http:", "https:"))
            await shipping.step()
            await wire.close()
            assert (made.counted("sent"), made.counted("refused")) == (8, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize(("wrong", "place"), [
    ({"export_otlp_url": "http://collector.example:4318"}, "export_otlp_url"),
    ({"export_otlp_url": "collector:4318"}, "export_otlp_url"),
    ({"export_splunk_url": "https://splunk.example:8088"}, "export_splunk_token"),
    ({"export_key_file": Path("key.pem")}, "export_key_file"),
    ({"export_otlp_url": "https://a.example", "export_certificate_file": Path("missing.pem")},
     "export_certificate_file")])  # fmt: skip
def test_settings_that_cannot_work_stop_the_start(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(SandboxError) as refused:
        check(Settings(**wrong))
    assert refused.value.details[0].path == place


@pytest.mark.parametrize("name", ["datadog", "azure-monitor"])
def test_a_collectors_configuration_hangs_together(name: str) -> None:
    told = yaml.safe_load((ROOT / "docs" / "collector" / f"{name}.yaml").read_text("utf-8"))
    http = told["receivers"]["otlp"]["protocols"]["http"]
    assert http["tls"].keys() == {"cert_file", "key_file", "client_ca_file"}  # nobody without a certificate
    assert told["service"]["pipelines"].keys() == {"traces", "logs", "metrics"}
    for pipeline in told["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= told[part].keys()
    stored = {one["sending_queue"]["storage"] for one in told["exporters"].values()}
    assert stored == set(told["service"]["extensions"]) == told["extensions"].keys()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  # another task changes it
            await asyncio.sleep(0.01)
