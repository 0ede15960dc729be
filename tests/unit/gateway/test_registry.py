"""The registry over SQLite: versions, states, consent, signatures, tenants, and the audit of it all."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.audit import Query, entries, parse_query
from pysandbox.gateway.publishers import Publishers
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.submission import judge
from pysandbox.gateway.tenant_blocks import TenantBlocks
from tests.unit.gateway.registered import ADMIN, NAME, NOW_MS, OTHER, sent, with_registry

READ, PROXY = "webchat:session:read", "integration:proxy:invoke"


async def add(registry: Registry, version: str = "2.1.0", state: str = "", **more: Any) -> dict[str, Any]:
    shown, _ = await registry.add(ADMIN, judge(sent(version, **more)))
    return await registry.set_state(ADMIN, NAME, version, state) if state else shown


async def refusal(work: Any) -> Code:
    with pytest.raises(SandboxError) as error:
        await work
    return error.value.code


def test_a_new_version_is_a_draft_that_no_page_gets(tmp_path: Path) -> None:
    async def work(registry: Registry, _database: Database) -> None:
        shown = await add(registry)
        assert (shown["state"], shown["granted"], shown["permissions"]) == ("draft", None, [READ, PROXY])
        assert await refusal(registry.published("acme", NAME, "2.1.0")) is Code.PLUGIN_NOT_FOUND
        await registry.set_state(ADMIN, NAME, "2.1.0", "enabled")
        published = await registry.published("acme", NAME, "latest")
        assert (published.built.manifest.version, published.grants) == ("2.1.0", ())
        assert published.built.sha256 == shown["bundleSha256"]

    with_registry(tmp_path, work)


def test_a_version_never_changes_not_even_when_it_was_removed(tmp_path: Path) -> None:
    async def work(registry: Registry, _database: Database) -> None:
        await add(registry)
        assert (await registry.add(ADMIN, judge(sent())))[1] is False
        assert await refusal(add(registry, source="x = 1")) is Code.VERSION_EXISTS
        await registry.remove(ADMIN, NAME, "2.1.0")
        assert await registry.list("acme") == []
        assert await refusal(registry.get("acme", NAME, "2.1.0")) is Code.PLUGIN_NOT_FOUND
        assert await refusal(add(registry, source="x = 1")) is Code.VERSION_EXISTS
        assert (await add(registry))["state"] == "draft"

    with_registry(tmp_path, work)


def test_the_highest_enabled_version_is_the_latest_and_a_blocked_one_is_never_fallen_back_to(tmp_path: Path) -> None:
    async def work(registry: Registry, _database: Database) -> None:
        for version in ("2.1.0", "2.10.0", "2.9.0"):
            await add(registry, version, "enabled")
        assert [shown["version"] for shown in await registry.list("acme")] == ["2.10.0", "2.9.0", "2.1.0"]
        assert (await registry.published("acme", NAME, "latest")).built.manifest.version == "2.10.0"
        await registry.set_state(ADMIN, NAME, "2.10.0", "disabled")
        await registry.set_state(ADMIN, NAME, "2.1.0", "blocked")
        assert (await registry.published("acme", NAME, "latest")).built.manifest.version == "2.9.0"
        assert await refusal(registry.published("acme", NAME, "2.10.0")) is Code.PLUGIN_NOT_FOUND
        assert await refusal(registry.published("acme", NAME, "2.1.0")) is Code.PLUGIN_BLOCKED
        assert await refusal(registry.remove(ADMIN, NAME, "2.1.0")) is Code.INPUT_INVALID
        assert await refusal(registry.remove(ADMIN, NAME, "2.9.0")) is Code.INPUT_INVALID
        assert await refusal(registry.set_state(ADMIN, NAME, "2.9.0", "draft")) is Code.INPUT_INVALID

    with_registry(tmp_path, work)


def test_consent_is_to_these_bytes_and_to_what_the_manifest_asks_for(tmp_path: Path) -> None:
    async def work(registry: Registry, _database: Database) -> None:
        shown = await add(registry, state="enabled")
        identity = str(shown["identity"])
        assert await refusal(registry.grant(ADMIN, NAME, "2.1.0", [READ], "0" * 64)) is Code.CONSENT_STALE
        assert await refusal(registry.grant(ADMIN, NAME, "2.1.0", ["x:y:z"], identity)) is Code.INPUT_INVALID
        assert await registry.permissions("acme") == ()
        assert (await registry.grant(ADMIN, NAME, "2.1.0", [READ], identity))["granted"] == [READ]
        assert (await registry.published("acme", NAME, "2.1.0")).grants == (READ,)
        assert await registry.permissions("acme") == (READ,)
        await registry.set_state(ADMIN, NAME, "2.1.0", "disabled")
        assert await registry.permissions("acme") == ()
        await registry.remove(ADMIN, NAME, "2.1.0")
        assert (await add(registry))["granted"] is None

    with_registry(tmp_path, work)


def test_tenants_see_nothing_of_each_other(tmp_path: Path) -> None:
    async def work(registry: Registry, database: Database) -> None:
        await add(registry, state="enabled")
        assert await registry.list("other") == []
        assert await refusal(registry.published("other", NAME, "latest")) is Code.PLUGIN_NOT_FOUND
        assert await refusal(registry.set_state(OTHER, NAME, "2.1.0", "blocked")) is Code.PLUGIN_NOT_FOUND
        assert await refusal(registry.remove(OTHER, NAME, "2.1.0")) is Code.PLUGIN_NOT_FOUND
        await registry.add(OTHER, judge(sent(source="y = 2")))
        assert await entries(database, OTHER, Query(target=f"{NAME}@2.1.0")) != []
        assert len(await entries(database, OTHER, Query())) == 1

    with_registry(tmp_path, work)


def test_a_signature_must_be_the_publishers_own_over_these_bytes(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()

    def signed(by: Ed25519PrivateKey, over: str) -> dict[str, str]:
        return {"publisher": "vendor", "signature": base64.b64encode(by.sign(bytes.fromhex(over))).decode()}

    async def work(registry: Registry, database: Database) -> None:
        identity = judge(sent()).identity
        good = signed(key, identity)
        assert await refusal(add(registry, **good)) is Code.INPUT_INVALID  # nobody of this name
        publishers = Publishers(database, now_ms=lambda: NOW_MS)
        await publishers.add(ADMIN, {"name": "vendor", "publicKey": public})
        assert await refusal(publishers.add(ADMIN, {"name": "vendor", "publicKey": public})) is Code.INPUT_INVALID
        assert await refusal(add(registry, **signed(Ed25519PrivateKey.generate(), identity))) is Code.SIGNATURE_INVALID
        assert await refusal(add(registry, **signed(key, "0" * 64))) is Code.SIGNATURE_INVALID
        assert await registry.list("acme") == []  # nothing half-applied
        assert (await add(registry, **good))["publisher"] == "vendor"
        assert await publishers.list("acme") == [{"name": "vendor", "publicKey": public}]
        assert await publishers.list("other") == []
        await publishers.remove(ADMIN, "vendor")
        assert await refusal(publishers.remove(ADMIN, "vendor")) is Code.NOT_FOUND

    with_registry(tmp_path, work)


@pytest.mark.parametrize("body", [
    {}, {"name": "Vendor!", "publicKey": "0" * 64}, {"name": "vendor", "publicKey": "00"},
    {"name": "vendor", "publicKey": "0" * 64, "more": 1}, {"name": 7, "publicKey": None},
])  # fmt: skip
def test_a_publisher_that_is_none_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async def work(_registry: Registry, database: Database) -> None:
        assert await refusal(Publishers(database, now_ms=lambda: NOW_MS).add(ADMIN, body)) is Code.INPUT_INVALID

    with_registry(tmp_path, work)


def test_every_change_is_written_down_and_a_refused_one_is_not(tmp_path: Path) -> None:
    async def work(registry: Registry, database: Database) -> None:
        shown = await add(registry, state="enabled")
        await registry.grant(ADMIN, NAME, "2.1.0", [READ], str(shown["identity"]))
        await refusal(registry.grant(ADMIN, NAME, "2.1.0", [READ], "0" * 64))
        await registry.set_state(ADMIN, NAME, "2.1.0", "blocked")
        found = await entries(database, ADMIN, Query())
        assert [one["action"] for one in found] == ["plugin.blocked", "plugin.grant", "plugin.enabled", "plugin.add"]
        assert {(one["actor"], one["target"], one["at"]) for one in found} == {("ada", f"{NAME}@2.1.0", NOW_MS)}
        assert found[1]["detail"] == {"identity": shown["identity"], "permissions": [READ]}
        assert len(await entries(database, ADMIN, Query(limit=2))) == 2
        assert await entries(database, ADMIN, Query(actor="eve")) == []
        assert await entries(database, ADMIN, Query(since_ms=NOW_MS + 1)) == []

    with_registry(tmp_path, work)


def test_the_audits_query_is_read_strictly() -> None:
    assert parse_query({"target": "x", "since": "12", "limit": "3"}) == Query("x", "", 12, 3)
    for given in ({"limit": "0"}, {"limit": "501"}, {"since": "-1"}, {"since": "²"}, {"sort": "up"}):
        with pytest.raises(SandboxError) as error:
            parse_query(given)
        assert [problem.path for problem in error.value.details] == list(given)


def test_a_block_is_heard_by_whoever_waits_and_counts_once(tmp_path: Path) -> None:
    async def work(registry: Registry, database: Database) -> None:
        await add(registry, state="enabled")
        blocks = TenantBlocks(database, look_s=0.02)
        first = await blocks.since("acme", 0, 5)
        assert (first.revision, first.blocked) == (1, ())
        waiting = [asyncio.ensure_future(blocks.since("acme", 1, 30)) for _ in range(3)]
        other = asyncio.ensure_future(blocks.since("other", 1, 0.5))
        while blocks.waiting < 4:  # noqa: ASYNC110 - until each has begun to wait
            await asyncio.sleep(0)
        await registry.set_state(ADMIN, NAME, "2.1.0", "blocked")
        await registry.set_state(ADMIN, NAME, "2.1.0", "blocked")
        told = await asyncio.gather(*waiting)
        assert {(one.revision, one.blocked) for one in told} == {(2, (f"{NAME}@2.1.0",))}
        assert (await other).revision == 1
        assert blocks.waiting == 0
        last = asyncio.ensure_future(blocks.since("acme", 2, 30))
        while blocks.waiting < 1:  # noqa: ASYNC110 - until each has begun to wait
            await asyncio.sleep(0)
        blocks.close()
        assert (await last).revision == 2

    with_registry(tmp_path, work)


def test_one_version_sent_many_times_at_once_is_registered_once(tmp_path: Path) -> None:
    async def work(registry: Registry, database: Database) -> None:
        added = await asyncio.gather(*(registry.add(ADMIN, judge(sent())) for _ in range(8)))
        assert sorted(is_new for _, is_new in added) == [False] * 7 + [True]
        identity = str(added[0][0]["identity"])
        await asyncio.gather(*(registry.grant(ADMIN, NAME, "2.1.0", [], identity) for _ in range(8)))
        actions = Counter(one["action"] for one in await entries(database, ADMIN, Query()))
        assert actions == {"plugin.add": 1, "plugin.grant": 8}

    with_registry(tmp_path, work)
