"""17, 19, 50, 84: the worker's realm: whose origin it has, which names are left, what Python finds of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import ESCAPED
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.listener import Listener
from e2e.kit.server import LabServer

# The language itself, and what Python's interpreter needs of the platform while it runs.
LISTED = """
    Object Function Array Number Boolean String Symbol Date Promise RegExp Error AggregateError EvalError RangeError
    ReferenceError SyntaxError TypeError URIError globalThis JSON Math ArrayBuffer Int8Array Uint8Array Int16Array
    Uint16Array Int32Array Uint32Array Float32Array Float64Array Uint8ClampedArray BigInt64Array BigUint64Array
    DataView Map BigInt Set WeakMap WeakRef Proxy Reflect FinalizationRegistry isNaN isFinite parseInt parseFloat
    undefined NaN Infinity console TextDecoder TextEncoder self performance crypto clearTimeout setTimeout
    MessageChannel queueMicrotask constructor
"""
NUMBERS = {"PERSISTENT", "TEMPORARY"}  # Chromium's constants 1 and 0, which cannot be deleted
ALLOWED = {*LISTED.split()} | NUMBERS


@pytest.fixture(scope="module")
def escaped(serve: Serve, open_lab: Callable[[LabServer], Lab]) -> LabPlugin:
    return open_lab(serve(ESCAPED)).load("test.attacker@1.0.0")


def test_its_origin_is_null_seen_from_inside(escaped: LabPlugin) -> None:
    assert escaped.value("take", ["origin"]) == "null"


@pytest.mark.chromium_only  # the other drivers do not tell of workers
def test_its_origin_is_null_seen_by_the_browser(lab: Lab, lab_server: LabServer) -> None:
    assert lab.load("test.spine@1.0.0").value("echo", 1) == 1
    origins = [worker.url.removeprefix("blob:").rpartition("/")[0] for worker in lab.page.native.workers]
    assert origins.count(lab_server.sandbox_origin) == 2, "the host worker and the watchdog"
    assert set(origins) == {lab_server.sandbox_origin, "null"}


def test_only_listed_names_are_left_when_a_plugin_runs(escaped: LabPlugin) -> None:
    """A new browser brings new names; here they show."""
    left = set(escaped.value("take", ["names"]))
    assert left - ALLOWED == set()
    assert {"Object", "setTimeout"} <= left


def test_no_road_of_pythons_own_is_open(lab: Lab, listener: Listener) -> None:
    """In the product as it is. They end where the realm's own do (test_egress.py), or before."""
    before = len(listener.lines)
    plugin = lab.load("com.example.misbehaving")
    report = plugin.value("fetch", {"url": f"http://127.0.0.1:{listener.port}/python"})
    results = {attempt["road"]: attempt["result"] for attempt in report["attempts"]}
    assert {"js.fetch", "pyodide.http.pyfetch", "urllib.request.urlopen"} <= results.keys()
    assert set(results.values()) == {"stopped"}, results
    assert [line for line in listener.lines[before:] if "/python" in line] == []


HEARD = """async (name) => {
  const channel = new BroadcastChannel(name);
  const heard = new Promise((resolve) => {
    channel.onmessage = () => resolve(true);
    setTimeout(() => resolve(false), 400);
  });
  const { value } = await lab.finish(lab.start([PLUGIN, "take", ["broadcast", name], {}]));
  return [value, await heard];
}"""


def test_a_broadcast_stays_in_the_cell(escaped: LabPlugin) -> None:
    said, heard = escaped.lab.ask(HEARD.replace("PLUGIN", str(escaped.number)), "lab")
    assert said in ("sent", "absent")
    assert heard is False
