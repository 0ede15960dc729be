"""Routes: the guide's body as it stands, ours beside it, and every problem at once."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.proxy.guards import BreakerSettings
from pysandbox.gateway.proxy.route import AuthMethod, Rate, Upstream, parse_route
from pysandbox.gateway.vault.secret import SecretRef
from tests.unit.gateway.proxy.routes import ALLOWED, GUIDE, PLUGIN, body, route


def problems(given: object, allowlist: tuple[str, ...] = ALLOWED) -> tuple[Problem, ...]:
    with pytest.raises(SandboxError) as caught:
        parse_route(given, allowlist=allowlist)
    assert caught.value.code == Code.INPUT_INVALID
    assert all(problem.rule and problem.cure for problem in caught.value.details)
    return tuple(caught.value.details)


def paths(given: object) -> list[str]:
    return [problem.path for problem in problems(given)]


def test_the_guides_body_is_good_and_says_that_it_has_no_upstream() -> None:
    found = parse_route(GUIDE, allowlist=ALLOWED)
    assert (found.state, found.upstream, found.raw) == ("upstreamMissing", None, GUIDE)
    assert (found.name, str(found.pattern), found.auth) == (
        "VendorRiskScoringProxy", "/proxy/vendor/risk/*", AuthMethod.OAUTH2)
    assert found.secret_ref == SecretRef("vault", "prod/plugins/vendor-risk/credentials")
    assert (found.token_refresh_s, found.rate, found.timeout_ms) == (300, Rate(60, 10), 2500)
    assert found.strip_headers == {"x-internal-trace", "authorization"}
    assert found.mask_fields == ("ssn", "credit_card", "account_number")


def test_nobody_may_use_a_route_that_names_no_plugins() -> None:
    assert parse_route(GUIDE, allowlist=ALLOWED).plugins == frozenset()


def test_with_an_upstream_it_is_enabled_unless_it_says_no() -> None:
    assert route().state == "enabled"
    assert route(enabled=None).state == "enabled"
    assert route(enabled=False).state == "disabled"


def test_everything_that_can_be_said() -> None:
    found = route(
        upstream={"baseUrl": "https://api.vendor.example:8443/v1/", "allowAddresses": ["10.1.0.0/16", "192.0.2.1"],
                  "mtlsSecretRef": "embedded://client"},
        methods=["POST", "DELETE"], contentTypes=["application/json", "application/x-www-form-urlencoded"],
        authMethod="api_key", credentials={"secretRef": "embedded://key", "placement": "body", "name": "apiKey"},
        requestHeaders=["X-Request-Cost"], connectTimeoutMs=300, firstByteTimeoutMs=900, requestBytes=100,
        responseBytes=200, cache={"ttlSeconds": 30}, inspection="block", plugins=[PLUGIN, "com.other.plugin"],
        circuitBreaker={"failures": 3, "baseMs": 100, "maxMs": 200, "probes": 2, "probeMs": 300},
        rateLimit={"requestsPerMinute": 5, "burstSize": 2, "concurrency": 3},
        responseTransform={"nonJson": "pass", "passHeaders": ["X-Total-Count"]})
    assert found.upstream == Upstream(
        "https://api.vendor.example:8443/v1", "api.vendor.example", 8443, ("10.1.0.0/16", "192.0.2.1"),
        SecretRef("embedded", "client"))
    assert (found.methods, found.placement, found.placement_name) == (("POST", "DELETE"), "body", "apiKey")
    assert (found.request_headers, found.response_headers) == ({"x-request-cost"}, {"x-total-count"})
    assert (found.connect_timeout_ms, found.first_byte_timeout_ms) == (300, 900)
    assert (found.request_bytes, found.response_bytes, found.cache_ttl_s, found.concurrency) == (100, 200, 30, 3)
    assert found.breaker == BreakerSettings(3, 100, 200, 2, 300)
    assert (found.inspection, found.non_json, found.plugins) == ("block", "pass", {PLUGIN, "com.other.plugin"})


def test_all_problems_are_listed_at_once() -> None:
    found = paths(body(
        name="", enabled="yes", routePattern="/proxy/*", authMethod="magic", timeoutMs=0, methods=["TRACE", "GET"],
        contentTypes="application/json", rateLimit={"requestsPerMinute": 1.5, "burst": 3}, plugins=["Not An Id"],
        upstream={"baseUrl": "ftp://x", "allowAddresses": ["10.0.0.1/8"]}, cache={}, inspection="loud", colour="red",
        circuitBreaker={"baseMs": 500, "maxMs": 100}, responseTransform={"nonJson": "drop", "maskFields": [1]}))
    assert set(found) == {
        "$.name", "$.enabled", "$.routePattern", "$.authMethod", "$.timeoutMs", "$.methods[0]", "$.contentTypes",
        "$.rateLimit.requestsPerMinute", "$.rateLimit.burst", "$.plugins[0]", "$.upstream.baseUrl",
        "$.upstream.allowAddresses[0]", "$.cache.ttlSeconds", "$.inspection", "$.colour", "$.circuitBreaker.maxMs",
        "$.responseTransform.nonJson", "$.responseTransform.maskFields[0]", "$.credentials"}


@pytest.mark.parametrize("given", [None, [], "x", 1, True, [GUIDE]])
def test_what_is_no_object_is_no_route(given: object) -> None:
    assert paths(given)[0] == "$"


def test_what_is_missing_is_named() -> None:
    assert set(paths({})) == {"$.name", "$.routePattern", "$.authMethod"}


def test_a_misspelt_key_is_told_what_it_may_have_meant() -> None:
    [problem] = problems(body(timeoutMS=2500))
    assert (problem.path, problem.cure) == ("$.timeoutMS", 'Write "timeoutMs".')


@pytest.mark.parametrize("pattern", ["/proxy/*", "/proxy/../x", "/proxy/*/risk", "/api/v2/plugins", "/proxy/v/{x}"])
def test_a_pattern_that_a_plugin_could_stretch_is_refused_with_the_reason(pattern: str) -> None:
    [problem] = problems(body(routePattern=pattern))
    assert problem.path == "$.routePattern"
    assert len(problem.rule) > len(pattern) + 20


def test_the_operators_allowlist_decides() -> None:
    assert parse_route(body(), allowlist=["/proxy/vendor/*"])
    [problem] = problems(body(), ("/proxy/other/*",))
    assert "nothing that this deployment allows" in problem.rule
    assert "/proxy/other/*" in problem.cure


@pytest.mark.parametrize("url", [
    "https://u:p@risk.example", "https://risk.example.", "https://RISK.example", "https://2130706433",
    "https://0x7f.1", "https://[::1]", "https://10.0.0.1", "https://risk.example/a/../b", "https://risk.example/%2e%2e",
    "https://risk.example?x=1", "https://risk.example/v1?", "https://risk.example#x", "https://risk.example//v1",
    "//risk.example", "risk.example", "wss://risk.example", "file:///etc/passwd", "https://risk.example\\@evil.example",
    "https://{host}/v1", "https://*.example", "https://bücher.example", "https://risk.example:0",
    "https://risk.example:443443", "http://risk.example", "https://risk.example/a b", "", "https://",
    " https://a.example"])
def test_an_upstream_is_one_plain_https_address(url: str) -> None:
    """Attack 10, from the operator's side: whoever may edit routes writes what every reader takes for the same host."""
    assert paths(body(upstream={"baseUrl": url})) == ["$.upstream.baseUrl"]


def test_http_is_for_upstreams_inside() -> None:
    found = route(upstream={"baseUrl": "http://127.0.0.1:9000", "allowAddresses": ["127.0.0.1/32"]}).upstream
    assert found == Upstream("http://127.0.0.1:9000", "127.0.0.1", 9000, ("127.0.0.1/32",))


@pytest.mark.parametrize(("url", "base", "port"), [
    ("https://risk.example", "https://risk.example", 443), ("https://risk.example/", "https://risk.example", 443),
    ("https://risk.example:443/v1/", "https://risk.example/v1", 443),
    ("https://xn--bcher-kva.example:8443/a/b", "https://xn--bcher-kva.example:8443/a/b", 8443)])
def test_the_base_url_is_kept_in_one_spelling(url: str, base: str, port: int) -> None:
    found = route(upstream={"baseUrl": url}).upstream
    assert found is not None
    assert (found.base_url, found.port) == (base, port)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0", "010.0.0.1", "::1%eth0", "", "::0001", 7, None])
def test_allowed_addresses_are_canonical_networks(text: object) -> None:
    assert "$.upstream.allowAddresses[0]" in paths(
        body(upstream={"baseUrl": "https://risk.example", "allowAddresses": [text]}))


def test_networks_of_both_families_can_be_allowed() -> None:
    allow = ["10.0.0.0/8", "fd00::/8", "192.168.1.7", "2001:db8::1"]
    found = route(upstream={"baseUrl": "https://risk.example", "allowAddresses": allow}).upstream
    assert found is not None
    assert [str(ip_network(text)).split("/")[0] for text in found.allow_addresses] == [
        text.split("/")[0] for text in allow]


def test_a_secret_in_the_place_of_its_reference_is_not_repeated() -> None:
    [problem] = problems(body(credentials={"secretRef": "hunter2-the-password"}))
    assert problem.path == "$.credentials.secretRef"
    assert "hunter2" not in problem.rule + problem.cure


def test_credentials_and_method_belong_together() -> None:
    assert paths(body(credentials=None)) == ["$.credentials"]
    assert paths(body(authMethod="none")) == ["$.credentials"]
    assert route(authMethod="none", credentials=None).secret_ref is None


@pytest.mark.parametrize("name", ["Host", "Cookie", "Content-Length", "Transfer-Encoding", "X_Api_Key", "a b",
    "X:\r\nY", ""])
def test_a_key_cannot_go_into_a_header_that_frames_the_request(name: str) -> None:
    given = {"secretRef": "embedded://key", "name": name}
    assert paths(body(authMethod="api_key", credentials=given)) == ["$.credentials.name"]


def test_a_key_may_be_the_authorization() -> None:
    given = {"secretRef": "embedded://key", "name": "Authorization"}
    assert route(authMethod="api_key", credentials=given).placement_name == "Authorization"


def test_a_key_goes_into_bodies_whose_form_is_known() -> None:
    given: dict[str, Any] = {"secretRef": "embedded://key", "placement": "body"}
    assert paths(body(authMethod="api_key", credentials=given)) == ["$.methods"]
    assert paths(body(authMethod="api_key", credentials=given, methods=["POST"], contentTypes=["text/plain"])) == [
        "$.contentTypes"]


def test_where_a_key_goes_is_for_keys() -> None:
    given = {"secretRef": "embedded://x", "placement": "query"}
    assert paths(body(authMethod="bearer", credentials=given)) == ["$.credentials.placement"]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Host", "X-Forwarded-For", "Transfer-Encoding", "X_A",
    "Te"])
def test_a_route_cannot_let_plugins_set_what_says_who_is_asking(name: str) -> None:
    assert paths(body(requestHeaders=["X-Fine", name])) == ["$.requestHeaders[1]"]


@pytest.mark.parametrize("name", ["Set-Cookie", "Clear-Site-Data", "Alt-Svc", "NEL", "Report-To", "Link"])
def test_a_route_cannot_let_through_what_acts_on_the_browser(name: str) -> None:
    """Attack 96."""
    assert paths(body(responseTransform={"passHeaders": [name]})) == ["$.responseTransform.passHeaders[0]"]


@pytest.mark.parametrize(("key", "value"), [
    ("timeoutMs", 49), ("timeoutMs", 30_001), ("timeoutMs", True), ("timeoutMs", 2500.0), ("timeoutMs", "2500"),
    ("connectTimeoutMs", 2501), ("firstByteTimeoutMs", 2501), ("requestBytes", -1), ("responseBytes", 17 * 1024 * 1024),
    ("timeoutMs", 10**400)])
def test_numbers_are_whole_and_within_bounds(key: str, value: object) -> None:
    assert paths(body(**{key: value})) == [f"$.{key}"]


def test_lists_are_bounded_and_hold_each_thing_once() -> None:
    assert route(methods=["GET", "GET"]).methods == ("GET",)
    assert paths(body(plugins=[f"com.v.p{n}" for n in range(101)])) == ["$.plugins"]
