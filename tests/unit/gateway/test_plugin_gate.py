"""Which plugins may call the proxy: state and consent as they are, within two seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.plugin_gate import FRESH_S, PluginCalls
from pysandbox.gateway.registry import Registry
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.submission import judge
from tests.unit.gateway.registered import ADMIN, NAME, sent, with_registry

READ, PROXY = "webchat:session:read", "integration:proxy:invoke"
PLUGIN = f"{NAME}@2.1.0"


async def why_not(calls: PluginCalls, tenant: str = "acme", plugin: str = PLUGIN) -> Code | None:
    try:
        await calls.require_enabled(tenant, plugin)
    except SandboxError as error:
        return error.code
    return None


@pytest.mark.parametrize(("state", "granted", "code"), [
    ("enabled", [READ, PROXY], None), ("enabled", [READ], Code.PERMISSION_DENIED),
    ("enabled", [], Code.PERMISSION_DENIED), ("disabled", [PROXY], Code.PLUGIN_NOT_FOUND),
    ("blocked", [PROXY], Code.PLUGIN_BLOCKED), ("", [PROXY], Code.PLUGIN_NOT_FOUND),
])
def test_only_an_enabled_version_with_consent_may(
    tmp_path: Path, state: str, granted: list[str], code: Code | None,
) -> None:  # fmt: skip
    async def work(registry: Registry, database: Database) -> None:
        shown, _ = await registry.add(ADMIN, judge(sent()))
        await registry.grant(ADMIN, NAME, "2.1.0", granted, str(shown["identity"]))
        if state:
            await registry.set_state(ADMIN, NAME, "2.1.0", state)
        calls = PluginCalls(database, lambda: 0.0)
        assert await why_not(calls) is code
        for tenant, plugin in (("other", PLUGIN), ("acme", f"{NAME}@2.1.1"), ("acme", "com.vendor.other@2.1.0")):
            assert await why_not(calls, tenant, plugin) is Code.PLUGIN_NOT_FOUND

    with_registry(tmp_path, work)


def test_what_this_replica_is_told_holds_at_once(tmp_path: Path) -> None:
    async def work(_registry: Registry, database: Database) -> None:
        calls = PluginCalls(database, lambda: 0.0)
        registry = Registry(database, now_ms=lambda: 0, changed=calls.changed)
        shown, _ = await registry.add(ADMIN, judge(sent()))
        assert await why_not(calls) is Code.PLUGIN_NOT_FOUND
        await registry.set_state(ADMIN, NAME, "2.1.0", "enabled")
        assert await why_not(calls) is Code.PERMISSION_DENIED
        await registry.grant(ADMIN, NAME, "2.1.0", [PROXY], str(shown["identity"]))
        assert await why_not(calls) is None
        await registry.set_state(ADMIN, NAME, "2.1.0", "disabled")
        assert await why_not(calls) is Code.PLUGIN_NOT_FOUND
        await registry.remove(ADMIN, NAME, "2.1.0")
        assert await why_not(calls) is Code.PLUGIN_NOT_FOUND

    with_registry(tmp_path, work)


def test_what_another_replica_was_told_holds_after_two_seconds(tmp_path: Path) -> None:
    async def work(registry: Registry, database: Database) -> None:
        now_s = 0.0
        shown, _ = await registry.add(ADMIN, judge(sent()))
        await registry.grant(ADMIN, NAME, "2.1.0", [PROXY], str(shown["identity"]))
        await registry.set_state(ADMIN, NAME, "2.1.0", "enabled")
        calls = PluginCalls(database, lambda: now_s)
        assert await why_not(calls) is None
        await registry.set_state(ADMIN, NAME, "2.1.0", "blocked")
        assert await why_not(calls) is None
        now_s = FRESH_S
        assert await why_not(calls) is Code.PLUGIN_BLOCKED

    with_registry(tmp_path, work)
