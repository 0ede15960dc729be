"""Any bytes in: a coded error or a value out, in bounded time. What was written reads back exactly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from pysandbox.core.csp import FALLBACKS, Csp, check_csp
from pysandbox.core.errors import Code, ManifestError, ProtocolViolation, SandboxError
from pysandbox.core.limits import LIMITS, in_bounds
from pysandbox.core.manifest import parse_manifest
from pysandbox.core.permissions import denied_reason, effective, is_name
from pysandbox.core.strict_json import dumps, loads
from pysandbox.core.weburl import parse_url
from tests.fuzz.corpus import kept

T = TypeVar("T")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PATIENT = settings(deadline=None)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6), max_leaves=40)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9) | st.complex_numbers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner)
        | st.builds(lambda value: {"value": value}, inner)), max_leaves=20)
JSON_PIECES = st.lists(st.sampled_from([
    "{", "}", "[", "]", ":", ",", '"', '\\"', "\\\\", "\\", "\\u", "d800", "\\ud800", "\\udc00", "a", "1", "0", "-",
    "e", "E+", ".", "999", "9" * 309, "NaN", "Infinity", "true", "null", " ", "\n", "\0", "\ud800", "é", "[" * 40,
    "]" * 40,
    '{"a":', '"a":1,', '"b"']), max_size=60).map("".join)
CSP_PIECES = st.lists(st.sampled_from([
    *FALLBACKS, "'self'", "'none'", "'unsafe-eval'", "'wasm-unsafe-eval'", "*", "https:", "data:", "https://", "http://",
    "a.example", "*.", "b.", ":443", ":*", "/p", "/", "%41", "%2e", "..", "@", "#", "?", " ", " ", " ", ";", ";", ",",
    "\n", "\t", "\0", "é", "K", "report-uri", "sandbox", "'nonce-x'", "127.0.0.1", "0x7f.1", "[::1]", ".", "xn--a"]),
    max_size=30).map("".join)
HOSTS = st.sampled_from(["a.example", "b.a.example", "localhost", "127.0.0.1", "xn--bcher-kva.example"])
URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}", st.sampled_from(["http", "https", "ws", "wss"]),
    HOSTS, st.sampled_from(["", ":80", ":443", ":8443"]), st.sampled_from(["", "/", "/p", "/p/", "/p/q", "/p/q?x=1"]))


def attempt(call: Callable[[], T]) -> T | SandboxError:
    """What ``call`` gives, or its coded error; anything else that is raised fails the test."""
    try:
        return call()
    except SandboxError as error:
        return error


@PATIENT
@given(VALUES)
def test_what_dumps_writes_loads_reads_back_exactly(value: object) -> None:
    text = dumps(value)
    back = loads(text)
    assert back == value
    assert dumps(back) == text, "types too: 1, 1.0 and True are equal in Python"


@PATIENT
@given(ANYTHING)
def test_dumps_gives_text_that_loads_accepts_or_a_coded_error(value: object) -> None:
    text = attempt(lambda: dumps(value))
    if isinstance(text, SandboxError):
        assert text.code in {Code.RESULT_NOT_JSON, Code.MESSAGE_LIMIT}
    else:
        assert dumps(loads(text)) == text


@PATIENT
@given(st.text() | JSON_PIECES | st.text('[]{}",:\\ud8019e+.-'))
def test_loads_gives_a_value_that_json_agrees_with_or_a_violation(text: str) -> None:
    value = attempt(lambda: loads(text))
    if isinstance(value, SandboxError):
        assert isinstance(value, ProtocolViolation)
        assert value.code in {Code.PROTOCOL_VIOLATION, Code.MESSAGE_LIMIT}
    else:
        assert value == json.loads(text)
        assert loads(dumps(value)) == value


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@PATIENT
@given(VALUES, st.integers(0, 6))
def test_the_scan_for_depth_agrees_with_the_depth_of_the_value(value: object, bound: int) -> None:
    text = json.dumps(value)
    back = attempt(lambda: loads(text, max_depth=bound))
    if isinstance(back, ProtocolViolation):
        assert (back.rule, depth(value) > bound) == ("json-too-deep", True)
    else:
        assert depth(value) <= bound


def check(data: object) -> None:
    manifest = attempt(lambda: parse_manifest(data))
    if isinstance(manifest, SandboxError):
        assert isinstance(manifest, ManifestError)
        assert manifest.details
        for problem in manifest.details:
            assert problem.path.startswith("$")
            assert problem.rule
            assert problem.cure
    else:
        assert parse_manifest(dumps(manifest.raw)) == manifest


@PATIENT
@kept("manifests")
@given(st.binary() | st.text() | JSON_PIECES | ANYTHING)
def test_any_manifest_gives_a_manifest_or_a_list_of_problems(data: object) -> None:
    check(data)


GOOD = st.fixed_dictionaries({
    "pluginId": st.sampled_from(["com.vendor.x", "a.b-c.d0"]), "version": st.sampled_from(["1.0.0", "1.2.3-rc.1+b"]),
    "manifest": st.fixed_dictionaries({
        "type": st.sampled_from(["webchat", "desktop", "architect"]),
        "csp": st.sampled_from(["", "default-src 'none'", "worker-src https://a.example; connect-src *.a.example:*"]),
        "permissions": st.lists(st.sampled_from(["a:b:c", "webchat:session:read"]), unique=True)},
        optional={
            "entry": st.sampled_from(["plugin", "a.b"]),
            "isolation": st.fixed_dictionaries({}, optional={
                "mode": st.just("dedicated-worker"), "memoryLimitMB": st.integers(40, 512),
                "limits": st.fixed_dictionaries({}, optional={
                    name: st.integers(limit.floor, limit.ceiling)
                    for name, limit in LIMITS.items() if limit.scope == "limits"})})})})


@PATIENT
@given(GOOD)
def test_every_manifest_made_of_good_parts_passes_and_round_trips(value: dict[str, Any]) -> None:
    manifest = parse_manifest(value)
    assert manifest.raw == value
    assert parse_manifest(dumps(manifest.raw).encode()) == manifest
    assert all(in_bounds(name, number) for name, number in manifest.limits.items())


@PATIENT
@given(GOOD, st.data())
def test_a_good_manifest_with_any_member_replaced_passes_or_lists_problems(
        value: dict[str, Any], data: st.DataObject) -> None:
    node: Any = value
    while True:
        key = data.draw(st.sampled_from([*(node if isinstance(node, dict) else ()), "new"]))
        if isinstance(node.get(key), dict) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(ANYTHING | CSP_PIECES)
        break
    check(value)


@PATIENT
@kept("policies")
@given(st.text() | CSP_PIECES)
def test_any_policy_gives_a_policy_that_reads_back_or_a_list_of_faults(text: str) -> None:
    csp, problems = check_csp(text)
    for problem in problems:
        assert problem.rule
        assert problem.cure
        assert problem.rule.isprintable()
    assert check_csp(str(csp)) == (csp, [])


@PATIENT
@given(CSP_PIECES, URLS, st.none() | URLS)
def test_what_is_left_of_a_policy_never_holds_what_is_refused(text: str, url: str, own: str | None) -> None:
    csp = check_csp(text)[0]
    canonical = str(csp)
    tokens = set(canonical.replace(";", " ").split())
    assert tokens.isdisjoint({"'unsafe-eval'", "'unsafe-inline'", "*", "https:", "data:", "report-uri", "sandbox"})
    for name in FALLBACKS:
        if csp.allows(name, url, own):
            assert csp.sources(name), "nothing is allowed by nobody"
    if csp.allows("connect-src", "https://a.example"):
        assert "example" in canonical


@PATIENT
@given(CSP_PIECES, st.text())
def test_asking_about_any_text_is_answered_and_only_a_plain_url_can_be_allowed(policy: str, url: str) -> None:
    csp: Csp = check_csp(policy)[0]
    allowed = csp.allows("connect-src", url, "https://a.example")
    if allowed:
        parse_url(url)


@PATIENT
@given(URLS)
def test_a_plain_url_reads_back_from_its_parts(text: str) -> None:
    url = parse_url(text)
    again = url.origin + url.path + (f"?{url.query}" if url.query else "")
    assert parse_url(again) == url
    assert parse_url(url.origin).origin == url.origin


NAMES = st.sampled_from(["a:b:c", "webchat:session:read", "integration:proxy:invoke", "application:plugin:manage", "x"])
SETS = st.frozensets(NAMES | st.text(max_size=8))


@PATIENT
@given(SETS, SETS, SETS, SETS)
def test_nothing_is_in_force_unless_declared_granted_and_not_revoked(
        declared: frozenset[str], granted: frozenset[str], provided: frozenset[str], revoked: frozenset[str]) -> None:
    force = effective(declared, granted, provided, revoked)
    assert force <= declared & granted
    assert not force & revoked
    assert all(is_name(name) for name in force)
    for name in declared | granted:
        assert (denied_reason(name, declared, granted, provided, revoked) is None) == (name in force)
    assert effective(declared, granted, provided | {"a:b:c"}, revoked) >= force, "providing more denies nothing"
