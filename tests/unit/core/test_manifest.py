"""Manifests: the guide's own passes, and everything wrong is listed at once with path, rule and cure."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from pysandbox.core.errors import Code, ManifestError, Problem
from pysandbox.core.limits import LIMITS, defaults
from pysandbox.core.manifest import parse_manifest
from pysandbox.core.manifest_checks import MAX_PROBLEMS

GUIDE = """
{
  "pluginId": "com.vendor.risk-scoring",
  "version": "2.1.0",
  "manifest": {
    "type": "webchat",
    "workerUrl": "https://cdn.vendor.com/plugins/risk-scoring-worker.js",
    "csp": "default-src 'self'; script-src 'none'; worker-src 'self' https://cdn.vendor.com; connect-src \
https://api.gateway.internal https://cdn.vendor.com; frame-src 'none'; object-src 'none'",
    "permissions": [
      "webchat:session:read",
      "integration:proxy:invoke"
    ],
    "isolation": {
      "mode": "dedicated-worker",
      "memoryLimitMB": 64,
      "maxExecutionTimeMs": 3000
    }
  }
}
"""
REMOVED = object()


def guide(path: str = "", value: object = None) -> dict[str, Any]:
    """The guide's manifest as JSON, with the member at the dotted ``path`` set (or `REMOVED`)."""
    whole: dict[str, Any] = json.loads(GUIDE)
    *parents, last = path.split(".")
    node = whole
    for name in parents:
        node = node[name]
    if value is REMOVED:
        del node[last]
    elif last:
        node[last] = value
    return whole


def problems(data: object) -> tuple[Problem, ...]:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert caught.value.code == Code.MANIFEST_INVALID
    assert all(problem.path.startswith("$") and problem.rule and problem.cure for problem in caught.value.details)
    return caught.value.details


def test_the_guides_manifest_passes_as_printed() -> None:
    manifest = parse_manifest(GUIDE)
    assert manifest.key == "com.vendor.risk-scoring@2.1.0"
    assert (manifest.type, manifest.entry) == ("webchat", "plugin")
    assert manifest.worker_url == "https://cdn.vendor.com/plugins/risk-scoring-worker.js"
    assert manifest.permissions == ("webchat:session:read", "integration:proxy:invoke")
    assert (manifest.memory_limit_mb, manifest.max_execution_time_ms) == (64, 3000)
    assert manifest.limits == defaults("limits")
    assert manifest.csp.allows("connect-src", "https://api.gateway.internal/proxy/vendor/x")
    assert manifest.raw == json.loads(GUIDE)


def test_bytes_text_and_value_give_the_same() -> None:
    assert parse_manifest(GUIDE.encode()) == parse_manifest(GUIDE) == parse_manifest(json.loads(GUIDE))


def test_the_value_passed_in_is_not_kept_so_it_cannot_change_after_the_check() -> None:
    value = guide()
    manifest = parse_manifest(value)
    before = copy.deepcopy(manifest.raw)
    value["manifest"]["permissions"].append("application:plugin:manage")
    assert manifest.raw == before


def test_only_what_must_be_said_must_be_said() -> None:
    manifest = parse_manifest({
        "pluginId": "a.b", "version": "0.0.1", "manifest": {"type": "desktop", "csp": "", "permissions": []}})
    assert (manifest.worker_url, manifest.entry, manifest.permissions) == (None, "plugin", ())
    assert (manifest.memory_limit_mb, manifest.max_execution_time_ms) == (64, 3000)


def test_every_fault_is_listed_at_once() -> None:
    found = problems({
        "pluginId": "Vendor", "version": "2.1", "extra": 1,
        "manifest": {
            "type": "chat", "csp": "script-src 'unsafe-eval'; report-uri /x", "permissions": ["all", "a:b:c", "a:b:c"],
            "workerUrl": "http://cdn.vendor.com/x", "entry": "plugin.py", "__proto__": {},
            "isolation": {"mode": "shared", "memoryLimitMB": 1e9, "maxExecutionTimeMs": 0,
                          "limits": {"timers": True}}}})
    assert sorted(problem.path for problem in found) == sorted([
        "$.pluginId", "$.version", "$.extra", "$.manifest.type", "$.manifest.csp", "$.manifest.csp",
        "$.manifest.permissions[0]", "$.manifest.permissions[2]", "$.manifest.workerUrl", "$.manifest.entry",
        "$.manifest.__proto__", "$.manifest.isolation.mode", "$.manifest.isolation.memoryLimitMB",
        "$.manifest.isolation.maxExecutionTimeMs", "$.manifest.isolation.limits.timers"])


@pytest.mark.parametrize(("path", "value", "part"), [
    ("pluginId", 7, "not a string"), ("pluginId", "risk", "reverse-DNS"), ("pluginId", "com.Vendor.x", "reverse-DNS"),
    ("pluginId", "com..x", "reverse-DNS"), ("pluginId", "com.vendor.x-", "reverse-DNS"),
    ("pluginId", "../../etc", "reverse-DNS"), ("pluginId", "com.vendor.x\n", "reverse-DNS"),
    ("pluginId", "com.v\u0435ndor", "reverse-DNS"), ("pluginId", "a." * 64 + "b", "longer"),
    ("pluginId", REMOVED, "is missing"), ("pluginId", "1.com", "reverse-DNS"),
    ("version", "2.1", "SemVer"), ("version", "v2.1.0", "SemVer"), ("version", "02.1.0", "SemVer"),
    ("version", "2.1.0-01", "SemVer"), ("version", "latest", "SemVer"), ("version", "2.1.0\n", "SemVer"),
    ("version", "\u0662.1.0", "SemVer"), ("version", 2.1, "not a string"), ("version", None, "null"),
    ("manifest", [], "not an object"), ("manifest", REMOVED, "is missing"),
    ("manifest.type", "Webchat", "not accepted"),
    ("manifest.type", ["webchat"], "not accepted"), ("manifest.type", REMOVED, "is missing"),
    ("manifest.csp", REMOVED, "is missing"), ("manifest.csp", {}, "not a string"),
    ("manifest.csp", "x" * 5000, "longer"),
    ("manifest.csp", "script-src 'unsafe-inline'", "'unsafe-inline' is refused"),
    ("manifest.permissions", REMOVED, "is missing"), ("manifest.permissions", "a:b:c", "not an array"),
    ("manifest.permissions", [["a:b:c"]], "no permission"), ("manifest.permissions", ["a:b:c"] * 65, "more than 64"),
    ("manifest.permissions", ["application:plugin:manage"], "operators"),
    ("manifest.entry", "", "dotted name"), ("manifest.entry", "../x", "dotted name"),
    ("manifest.entry", "a-b", "dotted"),
    ("manifest.entry", "a..b", "dotted name"), ("manifest.entry", "plugin.js", "name of a file"),
    ("manifest.entry", "a.class", "keyword"), ("manifest.entry", "pysandbox.host", "sandbox itself"),
    ("manifest.entry", "js", "name of a file"), ("manifest.entry", "pl\u00fcgin", "dotted name"),
    ("manifest.workerUrl", "https://evil.example/x.zip", "outside of the worker-src"),
    ("manifest.workerUrl", "https://cdn.vendor.com.evil.example/x", "outside of the worker-src"),
    ("manifest.workerUrl", "http://cdn.vendor.com/x.zip", "not https"),
    ("manifest.workerUrl", "wss://cdn.vendor.com", "not https"),
    ("manifest.workerUrl", "https://cdn.vendor.com@evil.example/x", "user names"),
    ("manifest.workerUrl", "data:text/javascript,1", "starts with"), ("manifest.workerUrl", "/x.zip", "starts with"),
    ("manifest.workerUrl", "https://2130706433/x", "IP addresses"), ("manifest.workerUrl", None, "null"),
    ("manifest.isolation", None, "not an object"), ("manifest.isolation.mode", "iframe", "not accepted"),
    ("manifest.isolation.memoryLimitMb", 64, "no key"), ("manifest.isolation.limits", [], "not an object"),
    ("manifest.isolation.limits", {"graceMs": 5000}, "no key"),
    ("manifest.isolation.limits", {"timers": 10**30}, "ceiling")])
def test_a_single_fault_is_found_and_is_the_only_one(path: str, value: object, part: str) -> None:
    found = problems(guide(path, value))
    assert len(found) == 1, found
    assert part in found[0].rule


@pytest.mark.parametrize("name", ["memoryLimitMB", "maxExecutionTimeMs"])
@pytest.mark.parametrize(("value", "part"), [
    (True, "a boolean"), (64.0, "no whole number"), ("64", "a string"), (None, "null"), (0, "below"), (-64, "below"),
    ([64], "an array"), (1_000_000, "ceiling")])
def test_a_limit_is_an_int_within_its_bounds(name: str, value: object, part: str) -> None:
    (problem,) = problems(guide(f"manifest.isolation.{name}", value))
    assert problem.path == f"$.manifest.isolation.{name}"
    assert part in problem.rule
    assert f"from {LIMITS[name].floor} to {LIMITS[name].ceiling}" in problem.cure


def test_limits_at_their_bounds_are_accepted() -> None:
    for name, limit in LIMITS.items():
        if limit.scope == "host":
            continue
        for value in (limit.floor, limit.ceiling):
            part = name if limit.scope == "isolation" else "limits"
            manifest = parse_manifest(guide(
                f"manifest.isolation.{part}", value if limit.scope == "isolation" else {name: value}))
            got = {"memoryLimitMB": manifest.memory_limit_mb, "maxExecutionTimeMs": manifest.max_execution_time_ms}
            assert {**manifest.limits, **got}[name] == value


@pytest.mark.parametrize(("data", "part"), [
    (b"", "is no JSON"), (b"{", "is no JSON"), ('{"a": 1,}', "line 1 column"), (b"\xff{}", "not UTF-8"),
    (b"\xef\xbb\xbf{}", "is no JSON"), ('{"pluginId":"a.b","pluginId":"a.c"}', "same key twice"),
    ("[" * 4000, "too deep"), ('{"a":NaN}', "NaN"), ('{"a":1e999}', "infinity"), ('"\\ud800"', "surrogate"),
    (GUIDE.replace("64", "9" * 400), "too many digits"), (b" " * 70_000, "too long"),
    (GUIDE + " " * 70_000, "too long"),
    (json.dumps({str(i): 0 for i in range(1001)}), "too many keys"), (object(), "no JSON value"),
    ({"pluginId": float("nan")}, "no JSON value"), ({1: 2}, "no JSON value"), (bytearray(b"{}"), "no JSON value")])
def test_what_cannot_be_read_is_one_problem_at_the_root(data: object, part: str) -> None:
    (problem,) = problems(data)
    assert problem.path == "$"
    assert part in problem.rule


@pytest.mark.parametrize("data", ["null", "[]", '"x"', "1", b"true"])
def test_a_manifest_that_is_no_object_says_so_and_what_is_missing(data: object) -> None:
    assert "not an object" in problems(data)[0].rule


@pytest.mark.parametrize("version", ["0.0.0", "1.2.3-alpha.1", "1.0.0-x-y.7+build.5", "10.20.30+00"])
def test_semver_in_full(version: str) -> None:
    assert parse_manifest(guide("version", version)).version == version


def test_wasm_unsafe_eval_is_not_taken_for_unsafe_eval() -> None:
    assert parse_manifest(guide("manifest.csp", "script-src 'wasm-unsafe-eval'; worker-src https://cdn.vendor.com"))
    (problem,) = problems(guide("manifest.csp", "script-src 'unsafe-eval'; worker-src https://cdn.vendor.com"))
    assert (problem.path, "unsafe-eval" in problem.rule) == ("$.manifest.csp", True)


def test_a_worker_url_needs_a_policy_that_allows_it() -> None:
    (problem,) = problems(guide("manifest.csp", ""))
    assert problem.path == "$.manifest.workerUrl"
    assert "https://cdn.vendor.com" in problem.cure


def test_a_worker_url_on_loopback_may_be_plain_http() -> None:
    value = guide("manifest.workerUrl", "http://127.0.0.1:8900/x.zip")
    value["manifest"]["csp"] = "worker-src http://127.0.0.1:8900"
    assert parse_manifest(value).worker_url == "http://127.0.0.1:8900/x.zip"


def test_a_misspelt_key_is_told_what_it_may_have_meant() -> None:
    assert problems(guide("manifest.workerURL", "x"))[0].cure == 'Write "workerUrl".'


def test_an_odd_key_is_shown_as_short_ascii() -> None:
    (problem,) = problems(guide("\x1b[2J<script>" + "x" * 200, 1))
    assert problem.path.isascii()
    assert problem.path.isprintable()
    assert len(problem.path) < 80


def test_very_many_problems_are_cut_with_a_count() -> None:
    found = problems({**guide(), **{f"k{i}": 0 for i in range(900)}})
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].rule == "has 800 more problems"
