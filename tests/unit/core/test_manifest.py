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
    ("manifest.isolation.limits", {"timer": 5}, "no key"),
    ("manifest.isolation.limits", {"timers": 10**30}, "ceiling")])
def test_a_single_fault_is_found_and_is_the_only_one(path: str, value: object, part: str) -> None:
    found = problems(guide(path, value))
    assert len(found) == 1, found
    assert part in found[0].rule


SETTABLE = [name for name, limit in LIMITS.items() if limit.scope != "host"]


def with_limit(name: str, value: object) -> tuple[str, dict[str, Any]]:
    """The path of the limit ``name`` in a manifest, and the guide's manifest with it set to ``value``."""
    if LIMITS[name].scope == "isolation":
        return f"$.manifest.isolation.{name}", guide(f"manifest.isolation.{name}", value)
    return f"$.manifest.isolation.limits.{name}", guide("manifest.isolation.limits", {name: value})


@pytest.mark.parametrize("name", SETTABLE)
@pytest.mark.parametrize(("value", "part"), [
    (True, "is a boolean, not a number"), (False, "is a boolean"), (64.0, "64.0 is no whole number"),
    ("64", "is a string"), ("", "is a string"), (None, "is null"), ([64], "is an array"), ({}, "is an object"),
    (-1, "-1 is below the floor"), (-(10**30), "below the floor"), (10**30, "above the host's ceiling"),
    (1.5e300, "no whole number")])
def test_a_limit_is_an_int_within_its_bounds(name: str, value: object, part: str) -> None:
    path, manifest = with_limit(name, value)
    (problem,) = problems(manifest)
    assert problem.path == path
    assert part in problem.rule
    limit = LIMITS[name]
    assert f"whole number of {limit.unit} from {limit.floor} to {limit.ceiling}" in problem.cure


@pytest.mark.parametrize("name", SETTABLE)
def test_a_limit_next_to_its_bounds_is_refused_with_the_bound(name: str) -> None:
    limit = LIMITS[name]
    for value, bound in ((limit.floor - 1, limit.floor), (limit.ceiling + 1, limit.ceiling)):
        path, manifest = with_limit(name, value)
        (problem,) = problems(manifest)
        assert problem.path == path
        assert problem.rule.endswith(f"of {bound}")


@pytest.mark.parametrize("name", SETTABLE)
@pytest.mark.parametrize(("number", "shown"), [
    ("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity"), ("1e999", "Infinity"),
    ("-1e999", "-Infinity")])
def test_a_limit_that_is_no_finite_number_is_named_with_its_path(name: str, number: str, shown: str) -> None:
    path, manifest = with_limit(name, "HERE")
    (problem,) = problems(json.dumps(manifest).replace('"HERE"', number))
    assert (problem.path, problem.rule) == (path, f"{shown} is no JSON number")
    assert problem.cure == "Write a finite number."


def test_zero_is_below_every_floor_but_those_of_what_a_plugin_may_be_without() -> None:
    accepted = {name for name in SETTABLE if LIMITS[name].floor == 0}
    assert accepted == {"bufferBytes", "messageBuffers", "fileBytes", "files"}
    for name in set(SETTABLE) - accepted:
        path, manifest = with_limit(name, 0)
        assert [problem.path for problem in problems(manifest)] == [path]


@pytest.mark.parametrize("name", [name for name, limit in LIMITS.items() if limit.scope == "host"])
def test_a_limit_of_the_deployment_is_refused_in_a_manifest(name: str) -> None:
    (problem,) = problems(guide("manifest.isolation.limits", {name: LIMITS[name].default}))
    assert problem.path == f"$.manifest.isolation.limits.{name}"
    assert "deployment" in problem.rule
    (problem,) = problems(guide(f"manifest.isolation.{name}", LIMITS[name].default))
    assert "no key" in problem.rule


@pytest.mark.parametrize("name", ["memoryLimitMB", "maxExecutionTimeMs"])
def test_a_limit_in_the_wrong_place_is_told_its_place(name: str) -> None:
    (problem,) = problems(guide("manifest.isolation.limits", {name: LIMITS[name].default}))
    assert problem.cure == f'Move it to "isolation.{name}".'


def test_every_wrong_limit_is_listed_at_once_what_is_no_number_first() -> None:
    wrong: dict[str, object] = {name: LIMITS[name].ceiling + 1 for name in SETTABLE[2:]}
    text = json.dumps(guide("manifest.isolation.limits", {**wrong, "timers": "NAN", "nothing": 1, "graceMs": 1}))
    found = problems(text.replace('"NAN"', "NaN").replace('"maxExecutionTimeMs": 3000', '"maxExecutionTimeMs": 1e999'))
    assert [problem.rule for problem in found[:2]] == ["Infinity is no JSON number", "NaN is no JSON number"]
    assert sorted(problem.path for problem in found) == sorted([
        "$.manifest.isolation.maxExecutionTimeMs",
        *(f"$.manifest.isolation.limits.{name}" for name in (*SETTABLE[2:], "nothing", "graceMs"))])


def test_a_nan_that_a_second_key_hides_is_refused_all_the_same() -> None:
    (problem,) = problems(GUIDE.replace('"memoryLimitMB": 64', '"memoryLimitMB": NaN, "memoryLimitMB": 64'))
    assert (problem.path, "NaN" in problem.rule) == ("$", True)


def test_a_nan_in_what_is_no_json_anyway_is_told_at_the_root() -> None:
    (problem,) = problems('{"a": NaN, }')
    assert (problem.path, "NaN" in problem.rule) == ("$", True)


def test_limits_at_their_bounds_are_accepted() -> None:
    for name in SETTABLE:
        for value in (LIMITS[name].floor, LIMITS[name].ceiling):
            manifest = parse_manifest(with_limit(name, value)[1])
            got = {"memoryLimitMB": manifest.memory_limit_mb, "maxExecutionTimeMs": manifest.max_execution_time_ms}
            assert {**manifest.limits, **got}[name] == value


@pytest.mark.parametrize(("data", "part"), [
    (b"", "is no JSON"), (b"{", "is no JSON"), ('{"a": 1,}', "line 1 column"), (b"\xff{}", "not UTF-8"),
    (b"\xef\xbb\xbf{}", "is no JSON"), ('{"pluginId":"a.b","pluginId":"a.c"}', "same key twice"),
    ("[" * 4000, "too deep"), ("NaN", "NaN"), ('"\\ud800"', "surrogate"),
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
