"""Composition: the telemetry of the real server, from its settings, and its two loops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, cast, get_args

from prometheus_client import CollectorRegistry

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.auth.principal import Authenticator, SessionStore
from pysandbox.gateway.proxy.limits import Limits
from pysandbox.gateway.settings import Settings
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.telemetry.alerting import (
    LOOK_S,
    AlertBook,
    Alerting,
    Notice,
    Notify,
    Shape,
    log_notice,
    send,
    webhook_body,
)
from pysandbox.gateway.telemetry.export.running import open_exports
from pysandbox.gateway.telemetry.keys import TelemetryKeys, telemetry_key
from pysandbox.gateway.telemetry.requests import FLUSH_S, RequestLog
from pysandbox.gateway.telemetry.routes import TelemetryRoutes
from pysandbox.gateway.telemetry.rules import is_silenced, load_rules
from pysandbox.gateway.telemetry.store import TelemetryStore
from pysandbox.gateway.telemetry.words import PluginWords

_DELETE_S: Final = 60.0
_log = logging.getLogger("pysandbox.telemetry")


@asynccontextmanager
async def open_telemetry(
    settings: Settings, *, database: Database, tokens: Authenticator, sessions: SessionStore, limits: Limits,
    registry: CollectorRegistry, now_ms: Callable[[], int],
) -> AsyncGenerator[TelemetryRoutes]:  # fmt: skip
    """The routes; while the block runs alerts are looked at, what is old is deleted, and the rest is sent on.

    ``registry``: where the exports count. Raises `SandboxError`.
    """
    keys, store, book = TelemetryKeys(telemetry_key(settings.data_dir)), TelemetryStore(database), AlertBook(database)
    alerting = Alerting(
        store, book, notifier(settings), now_s=time.time,
        rules=load_rules(settings.alert_rules))

    async def delete() -> None:
        await store.sweep(now_ms())

    requests = RequestLog(store, keys, now_ms)
    loops = [asyncio.create_task(_every(seconds, work)) for seconds, work in (
        (LOOK_S, alerting.look), (_DELETE_S, delete), (FLUSH_S, requests.flush))]
    try:
        async with open_exports(settings, database, registry, now_ms):
            yield TelemetryRoutes(
                tokens, sessions, database, store, keys, PluginWords(database), book, limits, requests, now_ms)
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        with suppress(SandboxError):  # the database is away: these last ones are lost
            await requests.flush()


def notifier(settings: Settings) -> Notify:
    """Where alerts go: into the log, and to the webhook if one is set. Raises `SandboxError` for a bad setting."""
    url, shape = settings.alert_webhook, cast(Shape, settings.alert_format)
    if shape not in get_args(Shape) or (shape == "pagerduty" and url and not settings.alert_routing_key):
        raise SandboxError(Code.INPUT_INVALID, "the settings are not usable", details=[Problem(
            "PYSANDBOX_ALERT_FORMAT", "is alertmanager, or pagerduty with PYSANDBOX_ALERT_ROUTING_KEY", "set it so")])

    async def notify(notice: Notice) -> None:
        if url and not is_silenced(settings.alert_silences, notice.rule.name, notice.group):
            await send(url, webhook_body(notice, shape, settings.alert_routing_key))
        log_notice(notice)

    return notify


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except SandboxError as error:  # the database is away: the next round will do
            _log.warning("telemetry waits for its database: %s", error.message)
