"""Alerts at work: told once, told again until somebody takes them, resumed after a restart."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.telemetry.alerts import BUILT_IN
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.alerting import AlertBook, Alerting, Notice, webhook_body
from pysandbox.gateway.telemetry.running import notifier
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import NOW_MS, PLUGIN, failed, rows, told

START_S = NOW_MS // 1000 // 60 * 60


class Desk:
    """Who is on call: hears of changes, unless it is away."""

    def __init__(self, database: Database) -> None:
        self.store, self.book = TelemetryStore(database), AlertBook(database)
        self.heard: list[tuple[str, bool]] = []
        self.is_away = False
        self.now_s = float(START_S)
        self.number = 0
        self.alerting = self.restarted()

    def restarted(self) -> Alerting:
        return Alerting(self.store, self.book, self.take, now_s=lambda: self.now_s)

    async def take(self, notice: Notice) -> None:
        if self.is_away:
            raise SandboxError(Code.UPSTREAM_FAILED, "away")
        self.heard.append((notice.rule.name, notice.ended_s is None))

    async def minutes(self, count: int, *, bad: bool) -> None:
        """Traffic, a look each half minute."""
        for _ in range(count):
            now_ms = int(self.now_s * 1000)
            made = [(failed if bad and at % 5 == 0 else told)(self.number + at, now_ms) for at in range(30)]
            self.number += 30
            await self.store.keep("acme", rows(*made, now_ms=now_ms), 0, now_ms)
            for _ in range(2):
                self.now_s += 30
                await self.alerting.look()


def test_an_incident_is_told_once_and_its_end_once(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        desk = Desk(database)
        await desk.minutes(3, bad=False)
        assert desk.heard == []
        await desk.minutes(5, bad=True)
        assert desk.heard == [("error-rate", True)]
        (firing,) = await desk.book.firing("acme")
        assert (firing["rule"], firing["group"]) == ("error-rate", PLUGIN)
        assert await desk.book.firing("other") == []
        await desk.minutes(15, bad=False)
        assert desk.heard == [("error-rate", True), ("error-rate", False)]
        assert await desk.book.firing("acme") == []
        (ended,) = await desk.book.ended("acme", 0)
        assert (ended["rule"], ended["group"], ended["since"]) == ("error-rate", PLUGIN, firing["since"])
        assert firing["since"] < ended["until"] <= desk.now_s
        assert await desk.book.ended("acme", ended["until"] + 1) == await desk.book.ended("other", 0) == []
        await desk.minutes(6, bad=True)
        assert desk.heard[2:] == [("error-rate", True)]

    with_database(tmp_path, work)


def test_what_nobody_took_is_told_later(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        desk = Desk(database)
        desk.is_away = True
        await desk.minutes(5, bad=True)
        assert desk.heard == []
        desk.is_away = False
        await desk.minutes(1, bad=True)
        assert desk.heard == [("error-rate", True)]

    with_database(tmp_path, work)


def test_after_a_restart_an_alert_goes_on_and_ends(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        desk = Desk(database)
        await desk.minutes(5, bad=True)
        desk.alerting = desk.restarted()
        await desk.minutes(1, bad=True)
        assert desk.heard == [("error-rate", True)]
        await desk.minutes(15, bad=False)
        assert desk.heard == [("error-rate", True), ("error-rate", False)]

    with_database(tmp_path, work)


def test_two_replicas_tell_one_alert(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        desk = Desk(database)
        other = desk.restarted()
        for _ in range(6):
            await desk.minutes(1, bad=True)
            await other.look()
        assert desk.heard == [("error-rate", True)]

    with_database(tmp_path, work)


FIRES = Notice("acme", BUILT_IN[0], PLUGIN, 0.2, START_S, None)
ENDED = Notice("acme", BUILT_IN[1], PLUGIN, 900.0, START_S, START_S + 60)
ALERTMANAGER = {
    "type": "array", "items": {
        "type": "object", "required": ["labels"], "properties": {
            "labels": {"type": "object", "required": ["alertname"], "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
            "startsAt": {"type": "string"}, "endsAt": {"type": "string"}},
        "additionalProperties": False}}  # fmt: skip


def test_what_alertmanager_takes() -> None:
    for notice, ends in ((FIRES, False), (ENDED, True)):
        body = webhook_body(notice, "alertmanager")
        jsonschema.validate(body, ALERTMANAGER)
        assert isinstance(body, list)
        assert ("endsAt" in body[0]) is ends
        assert body[0]["labels"]["plugin"] == PLUGIN
    assert FIRES.summary == f"error-rate of plugin {PLUGIN} is 20.0%, above 5%"


def test_what_pagerduty_takes() -> None:
    fires, ended = webhook_body(FIRES, "pagerduty", "r" * 32), webhook_body(ENDED, "pagerduty", "r" * 32)

    assert isinstance(fires, dict)
    assert isinstance(ended, dict)
    assert (fires["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert fires["dedup_key"] == f"pysandbox/acme/error-rate/{PLUGIN}"
    assert fires["payload"]["severity"] == "critical"
    assert fires["routing_key"] == "r" * 32


@pytest.mark.parametrize("wrong", [
    {"alert_format": "smoke"}, {"alert_format": "pagerduty", "alert_webhook": "https://events.example"}])
def test_a_webhook_that_cannot_work_stops_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(SandboxError) as refused:
        notifier(Settings(**wrong))  # pyright: ignore[reportArgumentType]
    assert refused.value.details[0].path == "PYSANDBOX_ALERT_FORMAT"
