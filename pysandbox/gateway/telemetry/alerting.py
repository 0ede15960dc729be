"""Alerts at work: rules looked at each half minute, what fires kept in the database, whoever is on call told.

Every replica looks; the row of a firing alert is made once, so it is told once. A webhook that does not answer is
tried again at the next look: its receivers know repeated alerts by their names. Must not know: how figures are made.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.telemetry.alerts import BUILT_IN, Alerts, Change, Rule
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import telemetry_alerts as table
from pysandbox.gateway.telemetry import figures
from pysandbox.gateway.telemetry.store import TelemetryStore

LOOK_S: Final = 30.0
_WEBHOOK_S: Final = 10.0
_SEVERITY: Final = {"critical": "critical", "warning": "warning"}
_log = logging.getLogger("pysandbox.alerts")

Shape = Literal["alertmanager", "pagerduty"]
Notify = Callable[["Notice"], Awaitable[None]]
"""Raises `SandboxError` where nobody took it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of one alert. Times are epoch seconds; ``ended_s`` is None while it fires."""

    tenant: str
    rule: Rule
    group: str
    value: float
    since_s: int
    ended_s: int | None

    @property
    def summary(self) -> str:
        shown = f"{self.value:.1%}" if self.rule.metric == "errorRate" else f"{self.value:.0f} ms"
        most = f"{self.rule.above:.0%}" if self.rule.metric == "errorRate" else f"{self.rule.above:.0f} ms"
        return f"{self.rule.name} of {self.rule.by} {self.group or '(none)'} is {shown}, above {most}"

    @property
    def name(self) -> str:
        """What receivers know it by, when it comes again."""
        return f"pysandbox/{self.tenant}/{self.rule.name}/{self.group}"


class AlertBook:
    """Which alerts fire, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def firing(self, tenant: str) -> list[dict[str, Any]]:
        async with self._database.begin() as connection:
            rows = await connection.execute(sa.select(table).where(
                table.c.tenant == tenant, table.c.ended_s.is_(None)).order_by(table.c.since_s))
            return [
                {"rule": row.rule, "group": row.grp, "since": row.since_s, "value": round(row.value, 4)}
                for row in rows]

    async def ended(self, tenant: str, since_s: int) -> list[dict[str, Any]]:
        """What ended since then and has not begun again: the last time of each rule and group."""
        async with self._database.begin() as connection:
            rows = await connection.execute(sa.select(table).where(
                table.c.tenant == tenant, table.c.ended_s >= since_s).order_by(table.c.ended_s))
            return [
                {"rule": row.rule, "group": row.grp, "since": row.since_s, "until": row.ended_s} for row in rows]

    async def change(self, tenant: str, change: Change) -> None:
        """Write down that an alert began or ended; again does no harm."""
        key = {"tenant": tenant, "rule": change.rule.name, "grp": change.group}
        async with self._database.begin() as connection:
            if change.firing:
                insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgres
                fresh = {"since_s": int(change.since_s), "value": change.value, "ended_s": None, "told": False}
                await connection.execute(insert(table).values(**key, **fresh).on_conflict_do_update(
                    index_elements=[table.c.tenant, table.c.rule, table.c.grp], set_=fresh,
                    where=table.c.ended_s.is_not(None)))
            else:
                await connection.execute(sa.update(table).values(ended_s=int(change.at_s), told=False).where(
                    *(table.c[name] == value for name, value in key.items()), table.c.ended_s.is_(None)))

    async def tell(self, rules: Mapping[str, Rule], notify: Notify) -> None:
        """Tell what has not been told yet; what nobody took stays for the next time."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(sa.select(table).where(table.c.told.is_(False)))).all()
        for row in rows:
            rule = rules.get(row.rule)
            if rule is not None:
                try:
                    await notify(Notice(row.tenant, rule, row.grp, row.value, row.since_s, row.ended_s))
                except SandboxError as error:
                    _log.warning("an alert could not be sent, and will be again: %s", error.message)
                    continue
            async with self._database.begin() as connection:
                await connection.execute(sa.update(table).values(told=True).where(
                    table.c.tenant == row.tenant, table.c.rule == row.rule, table.c.grp == row.grp,
                    table.c.ended_s.is_(None) if row.ended_s is None else table.c.ended_s == row.ended_s))


class Alerting:
    """The rules of one gateway, each tenant by itself. ``now_s()``: epoch seconds."""

    def __init__(
        self, store: TelemetryStore, book: AlertBook, notify: Notify, *, now_s: Callable[[], float],
        rules: Sequence[Rule] = BUILT_IN,
    ) -> None:  # fmt: skip
        self._store = store
        self._book = book
        self._notify = notify
        self._now_s = now_s
        self._rules = tuple(rules)
        self._tenants: dict[str, Alerts] = {}

    async def look(self) -> None:
        """Once over every tenant that sent something lately. Raises `SandboxError` where the database is away."""
        now_s = self._now_s()
        longest_s = max(rule.window_s + rule.clear_for_s for rule in self._rules)
        for tenant in {*self._tenants, *await self._store.tenants(int(now_s) - longest_s)}:
            alerts = self._tenants.get(tenant) or await self._resumed(tenant)
            for rule in self._rules:
                groups = await figures.windows(self._store, tenant, rule.by, rule.window_s, int(now_s))
                for change in alerts.look(rule, groups, now_s):
                    await self._book.change(tenant, change)
        await self._book.tell({rule.name: rule for rule in self._rules}, self._notify)

    async def _resumed(self, tenant: str) -> Alerts:
        """What fired when we were started still does."""
        alerts = self._tenants[tenant] = Alerts(self._rules)
        for told in await self._book.firing(tenant):
            alerts.resume(told["rule"], told["group"], told["since"])
        return alerts


def test_notices(now_s: int) -> tuple[Notice, Notice]:
    """One that fires and its end, of a rule that no gateway has."""
    rule = Rule("test", "errorRate", above=0.05, clear=0.03)
    return Notice("test", rule, "test", 0.5, now_s, None), Notice("test", rule, "test", 0.0, now_s, now_s)


def log_notice(notice: Notice) -> None:
    """One JSON line, as the access log has them."""
    _log.warning(json.dumps({
        "event": "alert", "state": "firing" if notice.ended_s is None else "resolved", "rule": notice.rule.name,
        "tenant": notice.tenant, "group": notice.group, "value": round(notice.value, 4), "since": notice.since_s}))


def webhook_body(notice: Notice, shape: Shape, routing_key: str = "") -> object:
    """What Alertmanager (`POST /api/v2/alerts`) or PagerDuty (Events API v2) takes."""
    if shape == "pagerduty":
        return {
            "routing_key": routing_key, "event_action": "trigger" if notice.ended_s is None else "resolve",
            "dedup_key": notice.name, "payload": {
                "summary": notice.summary, "source": "pysandbox", "severity": _SEVERITY[notice.rule.severity],
                "timestamp": _iso(notice.since_s), "group": notice.group, "class": notice.rule.name}}
    ended = {} if notice.ended_s is None else {"endsAt": _iso(notice.ended_s)}
    return [{
        "labels": {
            "alertname": notice.rule.name, "severity": notice.rule.severity, "tenant": notice.tenant,
            notice.rule.by: notice.group},
        "annotations": {"summary": notice.summary}, "startsAt": _iso(notice.since_s), **ended}]


async def send(url: str, body: object) -> None:
    """One POST. Raises `SandboxError` ``UPSTREAM_FAILED`` for whatever is no success."""
    try:
        timeout = aiohttp.ClientTimeout(total=_WEBHOOK_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client, client.post(
            url, json=body, allow_redirects=False,
        ) as answer:  # fmt: skip
            if answer.status >= 300:
                raise SandboxError(Code.UPSTREAM_FAILED, f"the webhook answered with status {answer.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SandboxError(Code.UPSTREAM_FAILED, f"the webhook does not answer ({type(error).__name__})") from error


def _iso(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat().replace("+00:00", "Z")
