"""The proxy's requests: whatever comes in, a coded error or a request that every reader takes for the same one.

What passes is given to other readers than ours: the URL standard's parser (ada), urllib, and servers that decode twice,
know path parameters, or fold letters. None of them may see another host, path or field than was judged.
"""

from __future__ import annotations

import json
import posixpath
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar
from unicodedata import normalize
from urllib.parse import parse_qsl, unquote, urlsplit

import ada_url
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.proxy_nonce import Bound, check, make
from pysandbox.gateway.proxy.headers import may_be_answered, may_be_asked
from pysandbox.gateway.proxy.pattern import fault_of_path, parse_pattern
from pysandbox.gateway.proxy.policy import Decision, ProxyAsk, decide
from pysandbox.gateway.proxy.request_checks import plugin_headers
from pysandbox.gateway.proxy.route import Route, parse_route
from tests.fuzz.corpus import as_bytes, kept
from tests.unit.gateway.proxy.routes import ALLOWED, GUIDE, PLUGIN, body, route

T = TypeVar("T")
PREFIX = "/proxy/vendor/risk/"
KEY: dict[str, Any] = {"secretRef": "embedded://key"}
HEADER, QUERY, BODY = (
    route(authMethod="api_key", methods=["POST"], credentials={**KEY, "placement": place, "name": "X-Key"})
    for place in ("header", "query", "body"))

PATHS = st.lists(st.sampled_from([
    "/", "/", "/", "a", "evaluate", ".", "..", "%2e", "%2E", "%2f", "%5C", "\\", "%25", "%252e", "%00", "%0d%0a",
    "%c0%ae",
    "%e0%80%ae", "%EF%BC%8E", "%E2%80%A4", "%EF%BC%8F", ";", ";x=1", ":", "@", "%", "%2", "%zz", "%41", "%C3%A9",
    "~", " ",
    "?", "#", "\t", "\n", "\0", "é", "．", "*", "+", ",", "!", "risk", "proxy"]), max_size=12).map("".join)
QUERIES = st.lists(st.sampled_from([
    "&", "&", ";", "=", "x", "1", "X-Key", "x-key", "x_key", "XKEY", "%58-Key", "X%2dKey", "X-Key[]", "%5BX-Key%5D",
    "+", "%20",
    "%00", "%26", "%3D", "%EF%BC%B8-Key", "%", "%zz", "#", "?", "/", " ", "\n", "é", "'", '"', "."]),
    max_size=12).map("".join)
NAMES = st.sampled_from([
    "Accept", "accept", "ACCEPT", "Accept-Language", "If-None-Match", "Prefer", "X-Key", "x-key", "Authorization",
    "Cookie",
    "Host", "Connection", "Transfer-Encoding", "Content-Length", "X_Key", "X-Forwarded-For", "Accept\r\nX", "", "é",
    " Accept"])
HEADERS = st.dictionaries(
    NAMES | st.text(max_size=8),
    st.sampled_from(["en", "", " ", "a\r\nb: c", "a\0", "é",
    "\x7f"]) | st.text(max_size=12) | st.integers() | st.none(),
    max_size=6)
BODIES = st.lists(st.sampled_from([
    "{", "}", "[", "]", ":", ",", '"X-Key"', '"x_key"', '"\\u0058-Key"', '"a"', "1", "NaN", '"', "\\", "X-Key=1",
    "&", "%58-Key=1",
    " ", "\n", "\xff", "\xef\xbb\xbf", "[" * 40, '{"a":1}']),
    max_size=12).map(lambda parts: "".join(parts).encode("latin-1"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4), max_leaves=12)
URLS = st.lists(st.sampled_from([
    "https://", "http://", "ftp://", "//", "/", "\\", "a.example", "127.0.0.1", "0x7f.1", "2130706433", "[::1]",
    "u:p@", "@",
    ":", ":443", ":80", ":99999", "?", "#", ".", "..", "%2e", "%00", "é", "xn--a", " ", "\n", "{x}", "*", "v1", "A"]),
    max_size=8).map("".join)
# Values of every field of a route's body, good ones and others; the rest stays the guide's.
FIELDS = st.fixed_dictionaries({}, optional={
    "name": JSON, "enabled": JSON, "routePattern": PATHS.map(lambda path: f"/proxy/{path}") | JSON, "timeoutMs": JSON,
    "authMethod": st.sampled_from(["none", "api_key", "basic", "bearer", "mtls", "x"]) | JSON,
    "credentials": st.fixed_dictionaries({}, optional={
        "secretRef": st.sampled_from(["embedded://a", "vault://a/../b", "x"]) | JSON,
        "placement": st.sampled_from(["header", "query", "body"]) | JSON, "name": NAMES | JSON,
        "tokenRefreshIntervalSeconds": JSON}) | JSON,
    "upstream": st.fixed_dictionaries({}, optional={
        "baseUrl": URLS | JSON, "mtlsSecretRef": JSON, "allowAddresses": st.lists(
            st.sampled_from(["127.0.0.1", "10.0.0.0/8", "::1", "0.0.0.0/0", "x"]) | JSON, max_size=3) | JSON}) | JSON,
    "methods": st.lists(st.sampled_from(["GET", "POST", "TRACE"]), max_size=3) | JSON, "plugins": JSON,
    "contentTypes": st.lists(st.sampled_from(["application/json", "a/b", "*/*", "x\r\ny/z"]), max_size=3) | JSON,
    "requestHeaders": st.lists(NAMES, max_size=3) | JSON, "cache": JSON, "circuitBreaker": JSON, "inspection": JSON,
    "rateLimit": st.dictionaries(st.sampled_from(["requestsPerMinute", "burstSize", "concurrency"]), JSON) | JSON,
    "responseTransform": st.fixed_dictionaries({}, optional={
        "passHeaders": st.lists(NAMES | st.sampled_from(["Set-Cookie", "X-A"]), max_size=3) | JSON,
        "stripHeaders": JSON,
        "maskFields": JSON, "nonJson": JSON}) | JSON,
    "requestBytes": JSON, "responseBytes": JSON, "connectTimeoutMs": JSON, "firstByteTimeoutMs": JSON})


@dataclass(frozen=True)
class Granted:
    grants: frozenset[str] = frozenset({"integration:proxy:invoke"})


def coded(call: Callable[[], T]) -> T | SandboxError:
    """What ``call`` gives, or its coded error; anything else that is raised fails the test."""
    try:
        return call()
    except SandboxError as error:
        return error


def attempt(which: Route, **changes: Any) -> Decision | SandboxError:
    """What becomes of a good request with ``changes``."""
    good = ProxyAsk(f"{PLUGIN}@2.1.0", "POST", f"{PREFIX}evaluate", "", "application/json", "", "", b'{"a":1}')
    found = coded(lambda: decide(replace(good, **changes), which, Granted()))
    assert isinstance(found, Decision) or found.code in {Code.INPUT_INVALID, Code.ROUTE_NOT_FOUND}
    return found


def readings(path: str) -> set[str]:
    """What servers make of ``path``: as it is, decoded once, twice and thrice, folded, without path parameters."""
    found = {path}
    for _ in range(3):
        found |= {unquote(text) for text in found}
    found |= {normalize("NFKC", text) for text in found}
    return {re.sub(r";[^/]*", "", text).replace("\\", "/") for text in found} | found


@kept("paths")
@given(PATHS)
def test_no_reading_of_a_path_leaves_the_route(rest: str) -> None:
    found = attempt(route(), path=PREFIX + rest)
    assert isinstance(found, Decision) is (fault_of_path(PREFIX + rest) is None and bool(rest))
    if isinstance(found, SandboxError):
        return
    for reading in readings(rest):
        assert posixpath.normpath(f"/r/{reading}").startswith("/r/"), reading
        assert not {".", ".."} & set(reading.split("/"))
        assert reading.isprintable()
    url = ada_url.URL(found.upstream_url)
    assert (url.hostname, url.pathname, url.search) == ("risk.vendor.example", f"/v1/{rest}", "")
    assert urlsplit(found.upstream_url).path == f"/v1/{rest}"


@kept("queries")
@given(QUERIES)
def test_every_parser_reads_the_same_query_and_none_the_injected_field(query: str) -> None:
    for which in (HEADER, QUERY):
        found = attempt(which, query=query)
        if isinstance(found, SandboxError):
            continue
        url = ada_url.URL(found.upstream_url)
        assert (url.hostname, url.pathname) == ("risk.vendor.example", "/v1/evaluate")
        assert url.search == (f"?{query}" if query else "")
        if which is QUERY:
            for separator in "&;":
                for name, _ in parse_qsl(query, keep_blank_values=True, separator=separator):
                    plain = normalize("NFKC", name).casefold().strip("[] ")
                    assert plain.partition("[")[0].replace("_", "-") != "x-key"


@kept("headers", dict)
@given(HEADERS)
def test_what_passes_of_headers_is_one_line_each_and_nobodys_place(given_headers: dict[str, object]) -> None:
    text = urlsafe_b64encode(json.dumps(given_headers).encode()).decode().rstrip("=")
    found = attempt(HEADER, headers=text)
    if isinstance(found, SandboxError):
        return
    names = [name.lower() for name, _ in found.headers]
    assert len(names) == len(set(names))
    for name, value in found.headers:
        assert name.lower() == "content-type" or may_be_asked(name)
        assert name.lower() != "x-key"
        assert re.fullmatch(r"[\t -~]*", value)


@kept("header_values")
@given(st.text(max_size=40) | st.text("ABCabc012-_=", max_size=40))
def test_the_header_of_headers_is_an_object_or_a_coded_error(text: str) -> None:
    found = coded(lambda: plugin_headers(text))
    assert found.code == Code.INPUT_INVALID if isinstance(found, SandboxError) else isinstance(found, dict)


@kept("injected_bodies", as_bytes)
@given(BODIES)
def test_no_body_brings_its_own_value_for_the_injected_field(content: bytes) -> None:
    found = attempt(BODY, body=content)
    if isinstance(found, SandboxError):
        return
    seen: list[str] = []
    read = json.loads(content, object_pairs_hook=lambda pairs: seen.extend(name for name, _ in pairs) or dict(pairs))
    assert isinstance(read, dict)
    assert not any(re.sub(r"[^a-z]", "", name.lower()) == "xkey" for name in read)
    assert len(set(read)) == len(read)


@kept("urls")
@given(URLS)
def test_an_upstream_is_the_host_that_every_parser_sees(url: str) -> None:
    found = coded(lambda: route(upstream={"baseUrl": url, "allowAddresses": ["127.0.0.1"]}))
    if isinstance(found, SandboxError):
        assert [problem.path for problem in found.details] == ["$.upstream.baseUrl"]
        return
    upstream = found.upstream
    assert upstream is not None
    parsed = ada_url.URL(upstream.base_url)
    assert (parsed.hostname, parsed.username, parsed.password, parsed.search, parsed.hash) == (upstream.host, "", "",
    "", "")
    assert urlsplit(upstream.base_url).hostname == upstream.host
    assert parsed.pathname.rstrip("/") == upstream.base_url.removeprefix(parsed.origin)


@kept("routes")
@given(FIELDS | JSON)
def test_a_body_is_a_route_that_keeps_every_rule_or_all_its_problems(given_body: Any) -> None:
    whole = {**GUIDE, **given_body} if isinstance(given_body, dict) else given_body
    found = coded(lambda: parse_route(whole, allowlist=ALLOWED))
    if isinstance(found, SandboxError):
        assert found.code == Code.INPUT_INVALID
        assert [problem.path[0] for problem in found.details] == ["$"] * max(1, len(found.details))
        return
    assert parse_route(found.raw, allowlist=ALLOWED) == found
    assert parse_pattern(str(found.pattern)) == found.pattern
    assert all(map(may_be_asked, found.request_headers))
    assert all(map(may_be_answered, found.response_headers))
    assert max(found.connect_timeout_ms, found.first_byte_timeout_ms) <= found.timeout_ms
    assert found.breaker.base_ms <= found.breaker.max_ms


@given(PATHS.map(lambda path: f"/proxy/{path}"), PATHS.map(lambda path: f"/proxy/{path}"))
def test_what_covers_a_pattern_matches_all_that_it_matches(wide: str, path: str) -> None:
    try:
        pattern = parse_pattern(wide)
        narrow = parse_pattern(path)
    except ValueError:
        return
    probe = f"{narrow.prefix}/x" if narrow.wild else narrow.prefix
    assert (pattern.match(probe) is not None) or not pattern.covers(narrow)


BOUNDS = st.builds(Bound, *[st.text(max_size=6)] * 8, st.binary(max_size=6))


@given(BOUNDS, BOUNDS, st.integers(0, 10**14), st.integers(0, 10**12), st.text(max_size=80))
def test_a_nonce_is_good_for_its_own_request_alone(
    one: Bound, other: Bound, counter: int, expires_at_ms: int, noise: str
) -> None:
    seed = "0f" * 32
    text = make(seed, one, counter=counter, expires_at_ms=expires_at_ms)
    assert check(text, seed, one, now_ms=expires_at_ms).counter == counter
    for bound, claimed in ((other, text), (one, noise), (one, text[:-1]), *((
            replace(one, **{part.name: getattr(other, part.name)}), text) for part in fields(Bound))):
        if bound == one and claimed == text:
            continue
        found = coded(lambda claimed=claimed, bound=bound: check(claimed, seed, bound, now_ms=expires_at_ms))
        assert isinstance(found, SandboxError)
        assert found.code == Code.NONCE_REJECTED


def test_the_guides_body_with_an_upstream_is_what_the_rest_is_measured_by() -> None:
    assert isinstance(attempt(route()), Decision)
    assert parse_route(body(), allowlist=ALLOWED).upstream is not None
