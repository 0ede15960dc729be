"""load_plugin: a folder becomes handlers and a context that follows the manifest."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import CallError, Code, ManifestError, SandboxError
from pysandbox.plugin import PermissionDenied, hooks
from pysandbox.testing import load_plugin

PLUGIN = """
from pysandbox.plugin import handler, on_load
from helper import NAME

@on_load
def start(ctx): pass

@handler
async def who(payload, ctx):
    return [NAME, ctx.plugin_id, ctx.remaining_ms, await ctx.call("crm:note:read")]

@handler
def late(payload, ctx):
    import lazy
    return lazy.VALUE

@handler
def count(payload, ctx):
    import lazy
    lazy.COUNT += 1
    return lazy.COUNT
"""


def write_plugin(folder: Path, name: str, *, source: str = PLUGIN, **manifest: Any) -> Path:
    folder.mkdir()
    (folder / "plugin.py").write_text(source)
    (folder / "helper.py").write_text(f"NAME = {name!r}")
    (folder / "lazy.py").write_text(f"VALUE = {name!r}; COUNT = 0")
    (folder / "capabilities.json").write_text(json.dumps({"crm:note:read": f"note of {name}"}))
    (folder / "manifest.json").write_text(json.dumps({
        "pluginId": f"com.example.{name}", "version": "1.0.0",
        "manifest": {
            "type": "webchat", "csp": "default-src 'none'", "permissions": ["crm:note:read"],
            "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 700}} | manifest}))
    return folder


def test_two_plugins_with_the_same_module_names_live_side_by_side(tmp_path: Path) -> None:
    one, two = (load_plugin(write_plugin(tmp_path / name, name)) for name in ("one", "two"))
    assert one.invoke("who", {}) == ["one", "com.example.one", 700, "note of one"]
    assert two.invoke("who", {}) == ["two", "com.example.two", 700, "note of two"]


def test_a_module_imported_only_when_the_handler_runs_is_the_plugins_own(tmp_path: Path) -> None:
    one, two = (load_plugin(write_plugin(tmp_path / name, name)) for name in ("one", "two"))
    assert (one.invoke("late", {}), two.invoke("late", {}), one.invoke("late", {})) == ("one", "two", "one")


def test_a_modules_state_lasts_from_one_invocation_to_the_next(tmp_path: Path) -> None:
    plugin = load_plugin(write_plugin(tmp_path / "one", "one"))
    assert [plugin.invoke("count", {}) for _ in range(3)] == [1, 2, 3]


def test_loading_leaves_no_trace_in_the_process(tmp_path: Path) -> None:
    modules, path, registry = set(sys.modules), list(sys.path), hooks.current
    plugin = load_plugin(write_plugin(tmp_path / "one", "one"))
    plugin.invoke("late", {})
    assert {"plugin", "helper", "lazy"} & (set(sys.modules) - modules) == set()
    assert (sys.path, hooks.current) == (path, registry)
    assert (registry.handlers, plugin.registry.on_load is not None) == ({}, True)


def test_the_context_grants_what_the_manifest_declares_and_no_more(tmp_path: Path) -> None:
    plugin = load_plugin(write_plugin(tmp_path / "one", "one", permissions=[]))
    with pytest.raises(PermissionDenied, match="not declared"):
        plugin.invoke("who", {})


def test_a_context_of_ones_own_replaces_what_it_names(tmp_path: Path) -> None:
    plugin = load_plugin(write_plugin(tmp_path / "one", "one"))
    ctx = plugin.context(capabilities={"crm:note:read": "mine"}, remaining_ms=5)
    assert plugin.invoke("who", {}, ctx)[2:] == [5, "mine"]


def test_an_unknown_handler_names_those_that_are_there(tmp_path: Path) -> None:
    plugin = load_plugin(write_plugin(tmp_path / "one", "one"))
    with pytest.raises(CallError, match="count, late, who") as caught:
        plugin.invoke("wo", {})
    assert caught.value.code is Code.HANDLER_NOT_FOUND


def test_a_faulty_manifest_and_a_faulty_module_say_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        load_plugin(write_plugin(tmp_path / "one", "one", permissions="all"))
    twice = "from pysandbox.plugin import handler\nfor _ in 'ab':\n    handler('x')(lambda *_: None)"
    registry = hooks.current
    with pytest.raises(SandboxError, match="two handlers"):
        load_plugin(write_plugin(tmp_path / "two", "two", source=twice))
    assert hooks.current is registry
    assert "plugin" not in sys.modules
