"""The proxy's decision: attacks 11, 58, 60, 71, 77 and 97, and what must not stand where a credential goes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy import headers, request_checks
from pysandbox.gateway.proxy.inspection import Finding, Kind, Usual
from pysandbox.gateway.proxy.policy import Barred, Decision, ProxyAsk, decide, find_route
from pysandbox.gateway.proxy.route import Route
from tests.unit.gateway.proxy.routes import PLUGIN, route

BODY = b'{"tier":"gold"}'
ASK = ProxyAsk(f"{PLUGIN}@2.1.0", "POST", "/proxy/vendor/risk/evaluate", "", "application/json", "", "", BODY)
KEY: dict[str, Any] = {"secretRef": "embedded://key"}


@dataclass(frozen=True)
class Granted:
    grants: frozenset[str] = frozenset({"integration:proxy:invoke"})


def decided(which: Route | None = None, **changes: Any) -> Decision:
    return decide(replace(ASK, **changes), which or route(), Granted())


def refused(which: Route | None = None, *, code: Code = Code.INPUT_INVALID, **changes: Any) -> SandboxError:
    with pytest.raises(SandboxError) as caught:
        decided(which, **changes)
    assert caught.value.code == code
    return caught.value


def packed(headers: object) -> str:
    return urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")


def sent(which: Route | None = None, **headers: str) -> dict[str, str]:
    asked = packed({name.replace("_", "-"): value for name, value in headers.items()})
    return {name.lower(): value for name, value in decided(which, headers=asked).headers}


def test_a_good_request_goes_to_the_upstream_of_its_route() -> None:
    found = decided(query="deep=1&x=%20")
    assert (found.method, found.body) == ("POST", BODY)
    assert found.upstream_url == "https://risk.vendor.example/v1/evaluate?deep=1&x=%20"
    assert list(found.headers) == [("Content-Type", "application/json")]
    assert (found.timeout_ms, found.shortened, found.findings) == (2500, False, ())


def test_a_request_that_says_no_more_than_it_must_is_sent_so() -> None:
    found = decide(ProxyAsk(f"{PLUGIN}@2.1.0", "GET", ASK.path), route(methods=["GET"]), Granted())
    assert found.upstream_url == "https://risk.vendor.example/v1/evaluate"
    assert (list(found.headers), found.body, found.timeout_ms, found.shortened) == ([], b"", 2500, False)


def test_a_route_without_a_star_is_one_address() -> None:
    which = route(routePattern="/proxy/vendor/risk")
    assert decided(which, path="/proxy/vendor/risk").upstream_url == "https://risk.vendor.example/v1"
    refused(which, code=Code.ROUTE_NOT_FOUND)


def test_the_caller_can_give_it_less_time_and_not_more() -> None:
    assert (decided(timeout_ms=100).timeout_ms, decided(timeout_ms=100).shortened) == (100, True)
    assert (decided(timeout_ms=9999).timeout_ms, decided(timeout_ms=9999).shortened) == (2500, False)


def test_the_session_needs_the_permission() -> None:
    with pytest.raises(SandboxError) as caught:
        decide(ASK, route(), Granted(frozenset({"webchat:session:read"})))
    assert caught.value.code == Code.PERMISSION_DENIED


@pytest.mark.parametrize("plugin", ["com.vendor.other@2.1.0", f"{PLUGIN}.evil@1.0.0", f"x{PLUGIN}@1.0.0", "@", ""])
def test_the_plugin_needs_the_routes_grant(plugin: str) -> None:
    refused(code=Code.PERMISSION_DENIED, plugin=plugin)


def test_a_route_that_names_no_plugin_is_for_none() -> None:
    refused(route(plugins=None), code=Code.PERMISSION_DENIED)


@pytest.mark.parametrize("which", [route(enabled=False), route(upstream=None)])
def test_a_route_that_is_not_enabled_answers_nobody(which: Route) -> None:
    refused(which, code=Code.ROUTE_NOT_FOUND)


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "get", "POST\r\nX: y", ""])
def test_only_the_routes_methods_pass(method: str) -> None:
    refused(code=Code.METHOD_NOT_ALLOWED, method=method)


@pytest.mark.parametrize("path", [
    "/proxy/vendor/risk", "/proxy/vendor/other", "/proxy/vendor/risk/../other", "/proxy/vendor/risk/%2e%2e/x", "", "*"])
def test_a_path_that_is_not_the_routes_goes_nowhere(path: str) -> None:
    refused(code=Code.ROUTE_NOT_FOUND, path=path)


@pytest.mark.parametrize("query", [
    "a b", "a\r\nHost: evil", "a#b", "é", "a=%", "a=%2", "a=%zz", "a='b", "a=\"", "a\\b", "a=<b>", "a[]=1", "x" * 8193])
def test_a_query_in_a_doubtful_spelling_is_refused(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [problem.path for problem in refused(query=query).details] == ["query"]
    monkeypatch.setattr(request_checks, "query_fault", lambda _query: "")
    assert decided(query=query).upstream_url.endswith(query), "the control"


@pytest.mark.parametrize("kind", [
    "", "text/plain", "application/xml", "application/json\r\nTransfer-Encoding: chunked",
    "application/json; charset=utf-7",
    "application/json; charset=utf-16", "application/json;x=y", "application/json, text/plain", "json",
    "application/json;"])
def test_the_content_type_is_one_that_the_route_takes(kind: str) -> None:
    assert [problem.path for problem in refused(content_type=kind).details] == ["Content-Type"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=UTF-8"])
def test_spellings_of_a_content_type_that_mean_the_same_pass(kind: str) -> None:
    assert ("Content-Type", kind) in decided(content_type=kind).headers


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_a_body_that_is_not_encoded_may_say_so(encoding: str) -> None:
    assert decided(content_encoding=encoding).body == BODY


def test_all_that_is_unclear_is_told_at_once() -> None:
    error = refused(route(methods=["GET"]), method="GET", query="a b", content_type="x", content_encoding="gzip")
    assert [problem.path for problem in error.details] == ["query", "Content-Type", "Content-Encoding", "body"]


def test_a_body_has_a_limit() -> None:
    which = route(requestBytes=len(BODY))
    assert decided(which).body == BODY
    refused(which, code=Code.MESSAGE_LIMIT, body=BODY + b" ")


@pytest.mark.parametrize("name", [
    "Authorization", "Cookie", "Host", "Transfer-Encoding", "Content-Length", "Connection", "Keep-Alive", "TE",
    "Trailer",
    "Upgrade", "Proxy-Authorization", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-HTTP-Method-Override",
    "X-Original-URL", "X_Api_Key", "X-Api-Key", "Content-Type", "Content-Encoding", "Expect", "Pysandbox-Nonce",
    "X-Any"])
def test_a_plugins_header_passes_only_if_it_is_listed(name: str) -> None:
    """Attacks 11 and 71."""
    found = decided(headers=packed({name: "evil", "Accept-Language": "en"}))
    assert {name.lower(): value for name, value in found.headers} == {
        "accept-language": "en", "content-type": "application/json"}


def test_a_route_may_list_more() -> None:
    assert sent(route(requestHeaders=["X-Request-Cost"]), X_Request_Cost="2")["x-request-cost"] == "2"


def test_control_what_a_route_lists_is_dropped_where_the_key_goes() -> None:
    listed = ["X-Vendor-Key"]
    assert sent(route(requestHeaders=listed), X_Vendor_Key="mine")["x-vendor-key"] == "mine"
    with_key = route(requestHeaders=listed, authMethod="api_key", credentials={**KEY, "name": "X-Vendor-Key"})
    assert "x-vendor-key" not in sent(with_key, X_Vendor_Key="mine")


@pytest.mark.parametrize(("method", "place"), [
    ("none", ""), ("mtls", ""), ("bearer", "authorization"), ("basic", "authorization"),
    ("oauth2_client_credentials", "authorization"), ("api_key", "x-vendor-key")])
def test_where_the_credential_goes_nothing_of_the_plugins_stands_even_if_headers_let_it_pass(
        method: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second wall: with the first one down, a plugin's header goes on where no credential takes its place."""
    own = ["Authorization", "X-Vendor-Key"]
    monkeypatch.setattr(headers, "asked", lambda *_: [(name, "mine") for name in own])
    given = {"api_key": {**KEY, "name": "X-Vendor-Key"}, "none": None}.get(method, KEY)
    names = [name.lower() for name, _ in decided(route(authMethod=method, credentials=given)).headers]
    assert names == [name.lower() for name in (*own, "Content-Type") if name.lower() != place]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "é", 7, None, ["a"]])
def test_a_header_that_is_no_single_line_is_refused(value: object) -> None:
    """Attack 77: it would end a line in a log or in the request."""
    refused(headers=packed({"Accept-Language": value}))


@pytest.mark.parametrize("text", [
    "!", "e30=", "eyJhIjox", packed([]), packed("x"), packed({"a": {"b": {}}}), "e30\n", "é", "W" * 20_000,
    urlsafe_b64encode(b'{"Accept":"a","Accept":"b"}').decode().rstrip("="),
    urlsafe_b64encode(b"\xff\xfe").decode().rstrip("=")])
def test_headers_that_cannot_be_read_are_refused(text: str) -> None:
    refused(headers=text)


IN_QUERY = route(authMethod="api_key", credentials={**KEY, "placement": "query", "name": "api_key"})


@pytest.mark.parametrize("query", [
    "api_key=mine", "x=1&api_key=mine", "x=1;api_key=mine", "API_KEY=mine", "apiKey=mine", "api-key=mine", "api_key",
    "%61pi_key=mine", "api%5Fkey=mine", "api+key=1", "api.key=1", "api_key%5B%5D=mine", "%5Bapi_key%5D=mine",
    "api_key%5B0%5D=mine", "&&api_key=", "api_key%00=1", "%EF%BD%81pi_key=1"])
def test_a_duplicate_of_an_injected_query_field_is_refused(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decided(query=query).upstream_url.endswith(query), "where nothing is injected, it may"
    assert "fills in" in refused(IN_QUERY, query=query).message
    monkeypatch.setattr(request_checks, "refuse_injected_query", lambda *_: None)
    assert decided(IN_QUERY, query=query).upstream_url.endswith(query), "the control"


def test_other_fields_may_stand_beside_an_injected_one() -> None:
    assert decided(IN_QUERY, query="key=1&api=2&my_api_key_id=3").upstream_url.endswith("?key=1&api=2&my_api_key_id=3")


IN_BODY = route(
    authMethod="api_key", credentials={**KEY, "placement": "body", "name": "apiKey"}, methods=["POST"],
    contentTypes=["application/json", "application/x-www-form-urlencoded"])


@pytest.mark.parametrize("body", [
    b'{"apiKey":"mine"}', b'{"\\u0061piKey":"mine"}', b'{"a":1,"apikey":1}', b'{"api_key":{}}', b'{"API-Key":null}',
    b'{"apiKey":1,"apiKey":2}', b'{"a":1,"a":2}', b"[]", b'"x"', b"", b"{", b'{"a":1}{"apiKey":1}', b"\xff",
    b"\xef\xbb\xbf{}", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"a":NaN}'])
def test_a_duplicate_of_an_injected_json_field_is_refused_and_so_is_what_cannot_be_read(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(IN_BODY, body=body)
    monkeypatch.setattr(request_checks, "refuse_injected_field", lambda *_: None)
    assert decided(IN_BODY, body=body).body == body, "the control"


@pytest.mark.parametrize("body", [b"apiKey=mine", b"a=1&apikey=1", b"%61piKey=1", b"a=1;api_key=1", b"apiKey[]=1",
    b"\xff=1"])
def test_a_duplicate_of_an_injected_form_field_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    form = "application/x-www-form-urlencoded"
    refused(IN_BODY, body=body, content_type=form)
    monkeypatch.setattr(request_checks, "refuse_injected_field", lambda *_: None)
    assert decided(IN_BODY, body=body, content_type=form).body == body, "the control"


def test_other_bodies_pass_where_the_key_goes_into_the_body() -> None:
    assert decided(IN_BODY).body == BODY
    assert decided(IN_BODY, body=b"a=1&b=2", content_type="application/x-www-form-urlencoded").body == b"a=1&b=2"


def test_what_inspection_finds_is_observed_or_blocks() -> None:
    broken = b'{"a":'
    assert decided(body=broken).findings == (Finding(Kind.MALFORMED_JSON, "body"),)
    assert decided(route(inspection="off"), body=broken).findings == ()
    error = refused(route(inspection="block"), body=broken)
    assert isinstance(error, Barred)
    assert error.findings == (Finding(Kind.MALFORMED_JSON, "body"),)
    assert "malformed-json" in error.message
    assert [(problem.path, problem.rule) for problem in error.details] == [
        ("body", "inspection found: malformed-json")]


def test_of_many_findings_the_message_tells_five_and_the_details_all() -> None:
    usual = Usual()
    for _ in range(100):
        usual.ask("POST", 100)
    ask = replace(
        ASK, query="password=hunter2hunter2&card=4111111111111111",
        body=b'{"card":"4111 1111 1111 1111","a":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ' + b"a" * 9000)
    with pytest.raises(Barred) as caught:
        decide(ask, route(inspection="block"), Granted(), usual=usual)
    assert len(caught.value.details) == 6
    assert caught.value.message.count("inspection found") == 5


def test_inspection_tells_the_kind_and_never_the_value() -> None:
    error = refused(route(inspection="block"), body=b'{"card":"4111 1111 1111 1111"}')
    assert "personal-data" in error.message
    assert "4111" not in error.message + repr(error.details)


def test_a_listed_method_that_nobody_has_used_is_observed_and_never_blocked() -> None:
    usual = Usual()
    for _ in range(100):
        usual.ask("GET", 100)
    found = decide(ASK, route(inspection="block"), Granted(), usual=usual)
    assert found.findings == (Finding(Kind.UNEXPECTED_METHOD, "method"),)


def test_of_several_routes_the_one_that_says_most_answers() -> None:
    wide, deep = route(routePattern="/proxy/vendor/*"), route()
    exact = route(routePattern="/proxy/vendor/risk/evaluate")
    for routes in ([wide, deep, exact], [exact, deep, wide]):
        assert find_route("/proxy/vendor/risk/evaluate", routes) is exact
        assert find_route("/proxy/vendor/risk/other", routes) is deep
        assert find_route("/proxy/vendor/x", routes) is wide


def test_a_disabled_route_still_stands_before_a_wider_one() -> None:
    routes = [route(routePattern="/proxy/vendor/*"), route(enabled=False)]
    with pytest.raises(SandboxError) as caught:
        find_route("/proxy/vendor/risk/x", routes)
    assert caught.value.code == Code.ROUTE_NOT_FOUND


@pytest.mark.parametrize(("path", "code"), [
    ("/proxy/other/x", Code.ROUTE_NOT_FOUND), ("/proxy/vendor/risk/../x", Code.INPUT_INVALID),
    ("/proxy//vendor/risk/x", Code.INPUT_INVALID), ("", Code.INPUT_INVALID)])
def test_a_path_that_no_route_answers(path: str, code: Code) -> None:
    with pytest.raises(SandboxError) as caught:
        find_route(path, [route()])
    assert caught.value.code == code
    if code is Code.INPUT_INVALID:
        assert [problem.path for problem in caught.value.details] == ["path"]
        assert caught.value.message == f"path: {caught.value.details[0].rule}"


def test_neither_headers_nor_body_show_in_a_repr() -> None:
    assert "gold" not in repr(ASK) + repr(decided())
    assert "Z29sZA" not in repr(replace(ASK, headers="Z29sZA"))
