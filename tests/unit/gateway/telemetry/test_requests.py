"""Proxied requests as records: whole, once, and never in a request's way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.endpoint import Proxied
from pysandbox.gateway.proxy.planning import Caller
from pysandbox.gateway.proxy.trace import Trace
from pysandbox.gateway.telemetry import figures, requests
from pysandbox.gateway.telemetry.requests import RequestLog
from pysandbox.gateway.telemetry.store import TelemetryStore
from tests.unit.gateway.registered import with_database
from tests.unit.gateway.telemetry.records import KEYS, NOW_MS, PLUGIN

T = TypeVar("T")
SPAN, PARENT = "ab" * 8, "cd" * 8


def proxied(number: int = 0, *, tenant: str = "acme", **more: Any) -> Proxied:
    return Proxied(**{
        "caller": Caller(tenant, "ada", f"{PLUGIN}@2.1.0"), "route": "risk-api", "method": "POST",
        "outcome": "upstream", "status": 200, "code": None,
        "trace": Trace(f"c-{number}", f"00-{'0' * 31}1-{SPAN}-01", PARENT), "took_ms": 30.04, "upstream_ms": 20.0,
        **more})


def with_log(folder: Path, work: Callable[[RequestLog, TelemetryStore], Awaitable[T]]) -> T:
    def begin(database: Any) -> Awaitable[T]:
        store = TelemetryStore(database)
        return work(RequestLog(store, KEYS, lambda: NOW_MS), store)

    return with_database(folder, begin)


def test_a_request_is_a_record_that_says_whose_part_it_was(tmp_path: Path) -> None:
    async def work(log: RequestLog, store: TelemetryStore) -> None:
        log.note(proxied(1, code=Code.UPSTREAM_FAILED, status=502, outcome="gateway"))
        await log.flush()
        (told,) = await store.newest("acme", most={"correlation_id": "c-1"})
        assert (told["kind"], told["pluginId"], told["version"]) == ("request", PLUGIN, "2.1.0")
        assert told["timestamp"] == "2023-11-14T22:13:20.000Z"
        assert (told["id"][:16], told["code"], told["status"]) == (SPAN, "UPSTREAM_FAILED", None)
        assert told["request"] == {"route": "risk-api", "method": "POST", "outcome": "gateway", "parent": PARENT}
        assert told["metrics"] == {"durationMs": 30.0, "memoryUsedMB": 0, "networkLatencyMs": 20.0, "statusCode": 502}
        assert told["subject"] == KEYS.subject("acme", "ada", NOW_MS)
        assert await store.erase("acme", [told["subject"]]) == 1

    with_log(tmp_path, work)


def test_it_counts_as_no_invocation_and_each_tenant_has_its_own(tmp_path: Path) -> None:
    async def work(log: RequestLog, store: TelemetryStore) -> None:
        for number in range(3):
            log.note(proxied(number))
        log.note(proxied(7, tenant="other"))
        await log.flush()
        await log.flush()
        assert len(await store.newest("acme")) == 3
        assert [one["correlationId"] for one in await store.newest("other")] == ["c-7"]
        assert await figures.health(store, "acme", "plugin", 3600, NOW_MS // 1000) == {}

    with_log(tmp_path, work)


def test_while_the_database_is_away_they_wait_and_the_oldest_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> int:
        raise SandboxError(Code.STATE_UNAVAILABLE)

    async def work(log: RequestLog, store: TelemetryStore) -> None:
        monkeypatch.setattr(requests, "MOST", 2)
        for number in range(5):
            log.note(proxied(number))
        with monkeypatch.context() as patch:
            patch.setattr(store, "keep", away)
            with pytest.raises(SandboxError):
                await log.flush()
        await log.flush()
        assert sorted(one["correlationId"] for one in await store.newest("acme")) == ["c-3", "c-4"]
        gaps = await figures.health(store, "acme", "plugin", 3600, NOW_MS // 1000)
        assert sum(group["gap"] for group in gaps.values()) == 3

    with_log(tmp_path, work)
