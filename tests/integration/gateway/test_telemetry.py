"""Telemetry of the real server over real sockets; and over a PostgreSQL that two replicas share."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
import sqlalchemy as sa

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.telemetry.alerts import BUILT_IN
from pysandbox.gateway.proxy.trace import Trace
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_counts
from pysandbox.gateway.telemetry import figures
from pysandbox.gateway.telemetry.alerting import Notice, send
from pysandbox.gateway.telemetry.requests import RequestLog
from pysandbox.gateway.telemetry.running import notifier
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.integration.gateway.test_registry_http import Client, client, published
from tests.integration.services import Service
from tests.unit.gateway.registered import NAME
from tests.unit.gateway.telemetry.records import KEYS, NOW_MS, failed, rows, told
from tests.unit.gateway.telemetry.test_requests import proxied

__all__ = ["client"]

SEND, READ, ERASE = "/api/v2/telemetry", "telemetry:records:read", "telemetry:records:erase"


def now_told(number: int, client: Client, **more: Any) -> dict[str, Any]:
    """A record of this minute, by the server's clock."""
    _, opened = client.ask("POST", "/api/v2/sessions")
    return told(number, opened["now"], **more)


def test_from_a_browsers_batch_to_figures_and_to_an_erased_user(client: Client) -> None:
    published(client)
    session = client.session()
    assert len(session["telemetryKey"]) == 64
    batch = {"records": [now_told(1, client), now_told(2, client, kind="log", log={
        "level": "info", "message": "called by Ada Lovelace", "fields": {}})], "gap": 2}

    for kept in (2, 0):  # what comes twice is kept once
        assert client.ask("POST", SEND, batch, token=session["token"]) == (200, {"kept": kept})

    reader = client.server.token(READ)
    _, health = client.ask("GET", f"{SEND}/health?by=vendor&minutes=5", token=reader)
    assert health["groups"]["com.vendor"]["count"] == 1
    assert health["groups"][""]["gap"] == 4
    _, points = client.ask("GET", f"{SEND}/series?minutes=5&plugin={NAME}", token=reader)
    assert sum(point["count"] for point in points["points"]) == 1
    _, found = client.ask("GET", f"{SEND}/records?kind=log", token=reader)
    assert found["records"][0]["log"]["message"] == "called by [redacted]"
    assert client.ask("GET", f"{SEND}/alerts", token=reader) == (200, {"alerts": [], "ended": []})

    eraser = client.server.token(ERASE)
    assert client.ask("DELETE", f"{SEND}/subjects?subject=developer", token=eraser) == (200, {"erased": 2})
    assert client.ask("GET", f"{SEND}/records", token=reader) == (200, {"records": []})
    _, audit = client.ask("GET", "/api/v2/audit")
    erased = next(entry for entry in audit["entries"] if entry["action"] == "telemetry.erase")
    assert erased["detail"] == {"records": 2}
    assert "developer" not in erased["target"]


def test_what_a_page_leaves_behind_is_kept_and_its_session_ended(client: Client) -> None:
    published(client)
    session = client.session()
    batch = {"records": [now_told(1, client)], "gap": 0}

    assert client.ask("POST", "/api/v2/sessions/leave", {"token": session["token"], "telemetry": batch})[0] == 204

    _, found = client.ask("GET", f"{SEND}/records", token=client.server.token(READ))
    assert len(found["records"]) == 1
    assert client.ask("POST", SEND, batch, token=session["token"])[0] == 401


def test_a_page_that_leaves_nonsense_behind_is_ended_all_the_same(client: Client) -> None:
    session = client.session()

    status, _ = client.ask("POST", "/api/v2/sessions/leave", {"token": session["token"], "telemetry": {"records": 1}})

    assert status in {400, 422}
    assert client.ask("POST", SEND, {"records": []}, token=session["token"])[0] == 401


def test_who_may_do_what(client: Client) -> None:
    published(client)
    session = client.session()
    for path in ("health", "series", "records", "alerts"):
        assert client.ask("GET", f"{SEND}/{path}")[0] == 403
        assert client.ask("GET", f"{SEND}/{path}", token=session["token"])[0] == 401
    assert client.ask("DELETE", f"{SEND}/subjects?subject=x", token=client.server.token(READ))[0] == 403
    assert client.ask("POST", SEND, {"records": []}, token=client.server.token(READ))[0] == 401


@pytest.mark.parametrize(("method", "path", "place"), [
    ("GET", "health?by=phase", "by"), ("GET", "health?minutes=0", "minutes"), ("GET", "series?minutes=x", "minutes"),
    ("GET", "records?limit=501", "limit"), ("GET", "records?kind=body", "kind"), ("GET", "alerts?a=1", "a"),
    ("DELETE", "subjects", "subject")])  # fmt: skip
def test_a_query_that_is_not_usable_names_the_field(client: Client, method: str, path: str, place: str) -> None:
    status, told_error = client.ask(method, f"{SEND}/{path}", token=client.server.token(READ, ERASE))

    assert status in {400, 422}
    assert told_error["error"]["details"][0]["path"] == place


def test_records_of_plugins_that_are_not_the_tenants_are_refused(client: Client) -> None:
    published(client)
    session = client.session()
    batch = {"records": [now_told(1, client, pluginId="com.other.plugin")]}

    status, refused = client.ask("POST", SEND, batch, token=session["token"])

    assert status in {400, 422}
    assert refused["error"]["details"][0]["path"] == "$.records[0].pluginId"


async def counts_left(database: Database) -> int:
    async with database.begin() as connection:
        return (await connection.execute(sa.select(sa.func.count()).select_from(telemetry_counts))).scalar_one()


def test_two_replicas_on_one_postgresql_count_each_record_once(postgres: Service) -> None:
    async def run() -> None:
        replicas = [Database.open(postgres.url) for _ in range(2)]
        await replicas[0].migrate()
        stores = [TelemetryStore(replica) for replica in replicas]
        batches = [
            rows(*((failed if number % 3 == 0 else told)(number) for number in range(start, start + 50)))
            for start in range(0, 500, 25)]  # each record comes in two batches
        kept = await asyncio.gather(*(
            store.keep("acme", batch, 0, NOW_MS) for batch in batches for store in stores))
        health = await figures.health(stores[1], "acme", "environment", 3600, NOW_MS // 1000)
        assert sum(kept) == 525
        assert (health["prod"]["count"], health["prod"]["failed"]) == (525, 175)
        fine = await counts_left(replicas[0])
        late = [store.keep("acme", rows(told(9000 + at)), 0, NOW_MS) for at, store in enumerate(stores * 5)]
        await asyncio.gather(*(store.sweep(NOW_MS + 3 * 86_400_000 - 60_000) for store in stores), *late)
        await stores[0].sweep(NOW_MS + 3 * 86_400_000 - 60_000)
        assert await counts_left(replicas[0]) < fine
        for by in ("plugin", "environment"):  # packed by both at once while more came in, and all is still there once
            groups = await figures.health(stores[1], "acme", by, 3600, NOW_MS // 1000)
            assert sum(group["count"] for group in groups.values()) == 535
        placed = await figures.series(
            stores[1], "acme", 3600, NOW_MS // 1000, {"queue": "support", "environment": "prod"})
        assert sum(point["count"] for point in placed) == 535
        assert await stores[0].sweep(NOW_MS + 40 * 86_400_000) == 535
        for replica in replicas:
            await replica.close()

    asyncio.run(run())


def test_requests_of_two_replicas_are_records_of_one_postgresql_beside_what_browsers_tell(postgres: Service) -> None:
    async def run() -> None:
        replicas = [Database.open(postgres.url) for _ in range(2)]
        await replicas[0].migrate()
        stores = [TelemetryStore(replica) for replica in replicas]
        logs = [RequestLog(store, KEYS, lambda: NOW_MS) for store in stores]
        for at, log in enumerate(logs * 20):
            log.note(proxied(at, trace=Trace(f"asked-{at}", f"00-{'0' * 31}1-{at:016x}-01", "cd" * 8)))
        await asyncio.gather(stores[0].keep("acme", rows(told(1)), 0, NOW_MS), *(log.flush() for log in logs))
        found = await stores[1].newest("acme", most={"kind": "request"})
        assert sorted(one["correlationId"] for one in found) == sorted(f"asked-{at}" for at in range(40))
        assert len({one["id"][:16] for one in found}) == 40
        health = await figures.health(stores[0], "acme", "environment", 3600, NOW_MS // 1000)
        assert health["prod"]["count"] == 1, "a request is no invocation"
        assert await stores[0].sweep(NOW_MS + 40 * 86_400_000) == 41
        for replica in replicas:
            await replica.close()

    asyncio.run(run())


ALERTS: list[dict[str, str]] = [{"name": "latency"}]


class Webhook(BaseHTTPRequestHandler):
    """Keeps what it is sent; `status` is its answer."""

    heard: list[Any]
    status = 200

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def webhook() -> Iterator[tuple[str, type[Webhook]]]:
    kind = cast("type[Webhook]", type("Fresh", (Webhook,), {"heard": []}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", kind
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "taken"), [(200, True), (202, True), (307, False), (404, False), (500, False)])
def test_a_webhook_has_taken_an_alert_when_it_says_so(
    webhook: tuple[str, type[Webhook]], status: int, taken: bool,
) -> None:  # fmt: skip
    url, kind = webhook
    kind.status = status

    if taken:
        asyncio.run(send(url, ALERTS))
    else:
        with pytest.raises(SandboxError) as refused:
            asyncio.run(send(url, ALERTS))
        assert refused.value.code is Code.UPSTREAM_FAILED
    assert kind.heard == [ALERTS]


def test_a_webhook_that_is_not_there_is_a_coded_error() -> None:
    with pytest.raises(SandboxError) as refused:
        asyncio.run(send("http://127.0.0.1:9/hook", []))
    assert refused.value.code is Code.UPSTREAM_FAILED


@pytest.mark.parametrize(("silences", "sent"), [(("error-rate",), 0), (("latency",), 1)])
def test_what_is_silenced_goes_into_the_log_alone(
    webhook: tuple[str, type[Webhook]], silences: tuple[str, ...], sent: int, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    url, kind = webhook
    notice = Notice("acme", BUILT_IN[0], "com.vendor.one", 0.2, 1_700_000_000, None)

    asyncio.run(notifier(Settings(alert_webhook=url, alert_silences=silences))(notice))

    assert len(kind.heard) == sent
    assert "error-rate" in caplog.text


def test_a_test_alert_and_its_end_reach_the_webhook(webhook: tuple[str, type[Webhook]]) -> None:
    url, kind = webhook

    def run(address: str) -> int:
        return subprocess.run(
            [sys.executable, "-c", "from pysandbox.cli import main; main()", "telemetry", "alerts", "test"],
            env={**os.environ, "PYSANDBOX_ALERT_WEBHOOK": address}, capture_output=True, timeout=60, check=False,
        ).returncode

    assert run(url) == 0
    assert ["endsAt" in one[0] for one in kind.heard] == [False, True]
    assert run("") != 0
    kind.status = 500
    assert run(url) != 0
