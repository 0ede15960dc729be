"""Opening a session and loading a plugin: what works, and the coded word for all that does not."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.joined.lab import ECHO, HEAD, NAME, PROXY, READ, TICKET, Gateway, Lab, manifest
from tests.unit.joined.virtual_time import in_virtual_time


async def nothing(_args: Any) -> None:
    return None


@in_virtual_time
async def test_a_loaded_plugin_is_described_by_handlers_limits_and_the_permissions_in_force(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        opened = await lab.open(webchat_session_read=nothing)
        loaded = await lab.load()
    assert READ in opened["grants"]
    assert loaded == {
        "handle": "p1", "pluginId": "com.example.lab", "version": "1.0.0", "handlers": ["echo"],
        "permissions": [PROXY, READ], "maxExecutionTimeMs": 1000, "memoryLimitMB": 64,
    }  # fmt: skip
    assert not lab.alerts
    assert not lab.watchdog
    assert lab.gateway.tokens == {"secret"}


@in_virtual_time
async def test_a_plugin_sees_the_pages_context_and_its_own_permissions(tmp_path: Path) -> None:
    source = HEAD + (
        "@handler\ndef who(payload, ctx):\n"
        "    return [ctx.plugin_id, ctx.environment, ctx.queue, ctx.locale, ctx.permissions, ctx.correlation_id]\n")
    async with Lab(tmp_path, source) as lab:
        await lab.start(crm_ticket_write=nothing)
        told = (await lab.invoke("who", cid="cid:9"))["value"]
    assert told == ["com.example.lab", "test", "q", "en-GB", [TICKET, PROXY], "cid:9"]


SOURCES = {
    "import raises": ("1/0\n", "PLUGIN_IMPORT_FAILED", "ZeroDivisionError: division by zero (plugin.py, line 1"),
    "import exits": ("raise SystemExit(3)\n", "PLUGIN_IMPORT_FAILED", "SystemExit"),
    "import raises past Exception": ("raise BaseException('odd')\n", "PLUGIN_IMPORT_FAILED", "BaseException: odd"),
    "does not compile": ("def (:\n", "PLUGIN_IMPORT_FAILED", "SyntaxError"),
    "import runs out of memory": ("raise MemoryError\n", "MEMORY_LIMIT", "out of memory"),
    "no handler": ("x = 1\n", "PLUGIN_IMPORT_FAILED", "no @handler"),
    "handler twice": (ECHO + "@handler('echo')\ndef b(p, c): ...\n", "PLUGIN_IMPORT_FAILED", "two handlers are named"),
    "on_load raises": (
        ECHO + "@on_load\ndef start(ctx):\n    raise ValueError('no model')\n",
        "PLUGIN_IMPORT_FAILED", "on_load failed: ValueError: no model (plugin.py, line 8, in start)"),
    "on_load asks what it may not": (
        ECHO + "@on_load\nasync def start(ctx):\n    await ctx.call('crm:secret:read')\n",
        "PLUGIN_IMPORT_FAILED", "crm:secret:read is not declared"),
    "on_load never ends": (
        ECHO + "@on_load\nasync def start(ctx):\n    await asyncio.Event().wait()\n", "PLUGIN_TIMEOUT", "onLoadMs"),
    "an exception that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E\n",
        "PLUGIN_IMPORT_FAILED", "whose text cannot be had"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "code", "message"), SOURCES.values(), ids=SOURCES)
@in_virtual_time
async def test_a_plugin_that_cannot_be_taken_up_is_refused_and_its_cell_ended(
    tmp_path: Path, source: str, code: str, message: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path, source) as lab:
        await lab.open()
        refused = await lab.load()
        assert refused["code"] == code
        assert message in refused["message"]
        assert lab.cell.ended
        assert (await lab.invoke("echo", to="p1"))["error"]["code"] == "PLUGIN_NOT_LOADED"


@in_virtual_time
async def test_the_author_finds_the_traceback_of_a_failed_import_in_the_log(tmp_path: Path) -> None:
    async with Lab(tmp_path, "def f():\n    1/0\nf()\n") as lab:
        await lab.open()
        await lab.load()
        lines = [line["message"] for kind, line in lab.told if kind == "log"]
    assert any("line 2, in f" in line and "ZeroDivisionError" in line for line in lines)


def registered(**changes: Any) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.registered.update(changes)


def answers(path: str, status: int, body: bytes) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.answers.update({path: (status, body)})


def away(path: str) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.answers.update({path: ConnectionError("refused")})


def another_bundle(change: Callable[[bytes], bytes], *, known: bool) -> Callable[[Gateway], None]:
    """Other bytes; ``known``: registered with their own hash, so that only the worker can find them out."""

    def spoil(gateway: Gateway) -> None:
        gateway.bundle = change(gateway.bundle)
        if known:
            gateway.registered["bundleSha256"] = hashlib.sha256(gateway.bundle).hexdigest()

    return spoil


def evil_inside(bundle: bytes) -> bytes:
    """The same index, another plugin.py."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"evil = 1" if name == "plugin.py" else old.read(name))
    return out.getvalue()


VERSION = "/versions/1.0.0"
FAULTS = {"code": "MANIFEST_INVALID", "message": "1 problem", "details": [
    {"path": "$.manifest.csp", "rule": "no *", "cure": "name hosts"}, 7]}  # fmt: skip
SPOILED: dict[str, tuple[Callable[[Gateway], None], str]] = {
    "bundle changed": (another_bundle(lambda bundle: bundle[:-1] + b"!", known=False), "BUNDLE_TAMPERED"),
    "hash of another bundle": (registered(bundleSha256="0" * 64), "BUNDLE_TAMPERED"),
    "no bundle in it": (another_bundle(lambda _: b"not a zip", known=True), "BUNDLE_INVALID"),
    "content changed inside": (
        another_bundle(evil_inside, known=True), "BUNDLE_TAMPERED"),
    "another plugin's manifest": (registered(manifest=manifest() | {"pluginId": "com.other.one"}), "BUNDLE_TAMPERED"),
    "another version's manifest": (registered(manifest=manifest() | {"version": "1.0.1"}), "BUNDLE_TAMPERED"),
    "manifest with faults": (registered(manifest=manifest() | {"what": 1}), "MANIFEST_INVALID"),
    "answer without a version": (answers(VERSION, 200, b"{}"), "PLUGIN_NOT_FOUND"),
    "unknown plugin": (answers(VERSION, 404, b'{"error":{"code":"PLUGIN_NOT_FOUND"}}'), "PLUGIN_NOT_FOUND"),
    "gateway fails": (answers(VERSION, 500, b"{}"), "PLUGIN_NOT_FOUND"),
    "gateway speaks no JSON": (answers(VERSION, 200, b"<html>"), "BOOT_FAILED"),
    "gateway lists faults": (answers(VERSION, 422, json.dumps({"error": FAULTS}).encode()), "MANIFEST_INVALID"),
    "gateway away": (away(VERSION), "BOOT_FAILED"),
    "gateway away for the bundle": (away("/bundle"), "BOOT_FAILED"),
    "bundle not there": (answers("/bundle", 404, b""), "PLUGIN_NOT_FOUND"),
}


@pytest.mark.parametrize(("spoil", "code"), SPOILED.values(), ids=SPOILED)
@in_virtual_time
async def test_what_the_gateway_answers_is_judged_before_it_is_used(
    tmp_path: Path, spoil: Callable[[Gateway], None], code: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path) as lab:
        await lab.open()
        spoil(lab.gateway)
        assert (await lab.load())["code"] == code


@in_virtual_time
async def test_the_problems_that_the_gateway_lists_reach_the_page(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.open()
        SPOILED["gateway lists faults"][0](lab.gateway)
        assert [problem["path"] for problem in (await lab.load())["details"]] == ["$.manifest.csp"]


@pytest.mark.parametrize("name", ["", "UPPER", "a b@1", "com.example.lab@", "../x", "a.b@1/../2", "a.b@1?x", "a.b@%2e"])
@in_virtual_time
async def test_a_name_that_names_no_plugin_never_reaches_the_gateway(tmp_path: Path, name: str) -> None:
    async with Lab(tmp_path) as lab:
        await lab.open()
        lab.gateway.tokens.clear()
        assert (await lab.load(name))["code"] == "INPUT_INVALID"
        assert not lab.gateway.tokens


@in_virtual_time
async def test_without_a_version_the_latest_is_loaded(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.open()
        assert (await lab.load("com.example.lab"))["version"] == "1.0.0"


SESSIONS: dict[str, tuple[tuple[int, bytes] | ConnectionError, str]] = {
    "refused": ((401, b'{"error":{"code":"SESSION_INVALID","message":"the token has expired"}}'), "SESSION_INVALID"),
    "refused without a word": ((403, b"{}"), "SESSION_INVALID"),
    "code that nobody knows": ((401, b'{"error":{"code":"WHAT","message":"?"}}'), "SESSION_INVALID"),
    "no id": ((200, b'{"grants":[],"expiresAt":1}'), "SESSION_INVALID"),
    "id of another form": ((200, b'{"sessionId":"x\\"y","grants":[],"expiresAt":1}'), "SESSION_INVALID"),
    "no gateway": (ConnectionError("refused"), "BOOT_FAILED"),
    "no JSON": ((200, b"\xff"), "BOOT_FAILED"),
}


@pytest.mark.parametrize(("answer", "code"), SESSIONS.values(), ids=SESSIONS)
@in_virtual_time
async def test_without_a_session_nothing_opens_and_nothing_loads(
    tmp_path: Path, answer: tuple[int, bytes] | ConnectionError, code: str,
) -> None:  # fmt: skip
    async with Lab(tmp_path) as lab:
        lab.gateway.answers["/sessions"] = answer
        assert (await lab.open())["code"] == code
        assert (await lab.load())["code"] == "SESSION_INVALID"
        assert not lab.cells


@pytest.mark.parametrize("payload", ["null", "[]", "{}", '{"capabilities":[]}', '{"capabilities":3}', "{"])
@in_virtual_time
async def test_a_page_that_opens_with_the_wrong_shape_is_told_so(tmp_path: Path, payload: str) -> None:
    async with Lab(tmp_path) as lab:
        assert (await lab.request("open", payload=payload))["code"] in ("INPUT_INVALID", "PROTOCOL_VIOLATION")


@in_virtual_time
async def test_a_cell_that_proves_no_isolation_fails_the_load_with_its_own_code(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        lab.boots = False
        await lab.open()
        _, loading = lab.ask("load", method=NAME)
        await lab.settled()
        lab.session.on_cell_failed(1, "ISOLATION_FAILED", "eval is not refused")
        assert (await loading)[1]["code"] == "ISOLATION_FAILED"


@in_virtual_time
async def test_a_worker_that_never_starts_fails_the_load_at_the_boot_deadline(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        lab.boots = False
        await lab.open()
        started = lab.now_ms()
        assert (await lab.load())["code"] == "BOOT_TIMEOUT"
        assert lab.now_ms() - started == pytest.approx(15_000, abs=50)
