"""Proxy routes in the store: the guide's body as printed, taken names, tenants, and the operator's allowlist."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.audit import Query, entries
from pysandbox.gateway.route_store import FRESH_MS, RouteStore
from pysandbox.gateway.store.database import Database
from tests.unit.gateway.registered import ADMIN, NOW_MS, OTHER, with_database

GUIDE: dict[str, Any] = {
    "name": "VendorRiskScoringProxy", "enabled": True, "routePattern": "/proxy/vendor/risk/*",
    "authMethod": "oauth2_client_credentials",
    "credentials": {"secretRef": "vault://prod/plugins/vendor-risk/credentials", "tokenRefreshIntervalSeconds": 300},
    "rateLimit": {"requestsPerMinute": 60, "burstSize": 10}, "timeoutMs": 2500,
    "responseTransform": {
        "stripHeaders": ["X-Internal-Trace", "Authorization"], "maskFields": ["ssn", "credit_card", "account_number"]},
}  # fmt: skip
WITH_UPSTREAM = {**GUIDE, "upstream": {"baseUrl": "https://risk.example"}}


class Clock:
    """Epoch milliseconds that move when told to."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


def store(database: Database, *allowlist: str, clock: Clock | None = None) -> RouteStore:
    return RouteStore(database, allowlist=allowlist or ("/proxy/*",), now_ms=clock or Clock())


async def refusal(work: Any) -> SandboxError:
    with pytest.raises(SandboxError) as error:
        await work
    return error.value


def test_the_guides_own_body_is_kept_and_says_what_it_lacks(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        routes = store(database)
        assert await routes.add(ADMIN, GUIDE) == {**GUIDE, "state": "upstreamMissing"}
        assert await routes.get("acme", GUIDE["name"]) == {**GUIDE, "state": "upstreamMissing"}
        changed = await routes.put(ADMIN, GUIDE["name"], WITH_UPSTREAM)
        assert changed["state"] == "enabled"
        [route] = await routes.routes("acme")
        assert route.upstream is not None
        assert [one["action"] for one in await entries(database, ADMIN, Query())] == ["route.change", "route.add"]
        assert "vault://" not in str(await entries(database, ADMIN, Query()))

    with_database(tmp_path, work)


def test_a_name_is_one_routes_and_stays_it(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        routes = store(database)
        await routes.add(ADMIN, GUIDE)
        assert (await refusal(routes.add(ADMIN, GUIDE))).details[0].path == "$.name"
        assert (await refusal(routes.put(ADMIN, "Other", GUIDE))).code is Code.INPUT_INVALID
        assert (await refusal(routes.put(ADMIN, "Other", {**GUIDE, "name": "Other"}))).code is Code.NOT_FOUND
        await routes.remove(ADMIN, GUIDE["name"])
        assert (await refusal(routes.remove(ADMIN, GUIDE["name"]))).code is Code.NOT_FOUND
        assert (await refusal(routes.get("acme", GUIDE["name"]))).code is Code.NOT_FOUND
        assert await routes.list("acme") == []

    with_database(tmp_path, work)


def test_tenants_have_routes_of_their_own(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        routes = store(database)
        await routes.add(ADMIN, GUIDE)
        await routes.add(OTHER, {**GUIDE, "routePattern": "/proxy/other/*"})
        assert [route["routePattern"] for route in await routes.list("other")] == ["/proxy/other/*"]
        await routes.remove(OTHER, GUIDE["name"])
        assert len(await routes.routes("acme")) == 1
        assert await routes.routes("other") == ()

    with_database(tmp_path, work)


def test_the_operators_allowlist_holds_for_new_routes_and_for_those_that_are_there(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await store(database).add(ADMIN, WITH_UPSTREAM)
        narrow = store(database, "/proxy/vendor/other/*")
        error = await refusal(narrow.add(ADMIN, {**WITH_UPSTREAM, "name": "Second"}))
        assert error.details[0].path == "$.routePattern"
        assert await narrow.routes("acme") == ()
        assert len(await narrow.list("acme")) == 1  # still shown, to be changed or removed

    with_database(tmp_path, work)


def test_many_requests_at_once_read_the_routes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    bodies = RouteStore._bodies

    async def counted(store: RouteStore, tenant: str) -> Any:
        reads.append(tenant)
        return await bodies(store, tenant)

    async def work(database: Database) -> None:
        routes = store(database)
        await routes.add(ADMIN, GUIDE)
        monkeypatch.setattr(RouteStore, "_bodies", counted)
        found = await asyncio.gather(*(routes.routes("acme") for _ in range(50)))
        assert {len(one) for one in found} == {1}
        assert reads == ["acme"]

    with_database(tmp_path, work)


def test_another_replicas_change_is_seen_within_moments(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        clock = Clock()
        here, there = store(database, clock=clock), store(database, clock=clock)
        assert await there.routes("acme") == ()
        await here.add(ADMIN, GUIDE)
        assert len(await here.routes("acme")) == 1  # which was told, and sees it at once
        assert await there.routes("acme") == ()
        clock.ms += FRESH_MS
        assert len(await there.routes("acme")) == 1

    with_database(tmp_path, work)
