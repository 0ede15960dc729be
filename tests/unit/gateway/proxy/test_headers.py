"""Headers by allowlist, both ways."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.headers import ADDED, ANSWERED, ASKED, answered, asked, may_be_answered, may_be_asked

SMUGGLED = [
    "Authorization", "COOKIE", "Host", "Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Content-Length",
    "Upgrade", "Proxy-Authorization", "X-Forwarded-For", "X-Forwarded_For", "Authori_zation", "Content_Length",
    "X-HTTP-Method-Override", "X-Original-URL", "Forwarded", "traceparent", "Pysandbox-Nonce", "Sec-Fetch-Site",
    "Expect", "Range", "Accept-Encoding", "Content-Type", "Content-Encoding", "X-Amz-Security-Token"]


def test_the_usual_headers_of_a_plugin_go_on() -> None:
    given = {"accept": "application/json", "If-None-Match": '"v1"', "IDEMPOTENCY-KEY": "k-1"}
    assert asked(given) == [
        ("Accept", "application/json"), ("If-None-Match", '"v1"'), ("Idempotency-Key", "k-1")]


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_header_that_is_not_a_plugins_to_send_is_dropped_even_if_the_route_names_it(name: str) -> None:
    assert not may_be_asked(name)
    assert asked({name: "evil", "Accept": "*/*"}, extra={name.lower()}) == [("Accept", "*/*")]


def test_a_header_that_nobody_listed_is_dropped_until_a_route_lists_it() -> None:
    assert asked({"X-Api-Version": "7"}) == []
    assert asked({"x-api-version": "7"}, extra={"x-api-version"}) == [("X-Api-Version", "7")]


@pytest.mark.parametrize("value", [
    "a\r\nHost: evil", "a\nb", "a\r\n folded", "\0", "\x1b[31m", "é", "\u2028", "a\x7f", " a", "a ", "x" * 2049, 7,
    None, ["a"]])
def test_a_value_that_could_end_its_line_or_a_line_of_a_log_is_refused(value: object) -> None:
    with pytest.raises(SandboxError) as error:
        asked({"Accept": value})
    assert error.value.code == Code.INPUT_INVALID
    assert [problem.path for problem in error.value.details] == ["$.headers.accept"]
    assert "evil" not in str(error.value)


@pytest.mark.parametrize("name", ["Accept\r\nX", "Accept\n", "Accept:", " Accept", "Accept ", "Accept\0", "", "Äccept"])
def test_a_name_that_is_none_is_dropped(name: str) -> None:
    assert asked({name: "a"}, extra={name.lower()}) == []


def test_one_name_in_two_spellings_is_refused() -> None:
    with pytest.raises(SandboxError, match="cannot be sent"):
        asked({"Accept": "a", "accept": "b"})


def test_all_bad_headers_are_told_at_once() -> None:
    with pytest.raises(SandboxError) as error:
        asked({"Accept": "\n", "Prefer": "\r", "Cookie": "\n"})
    assert [problem.path for problem in error.value.details] == ["$.headers.accept", "$.headers.prefer"]


def test_very_many_headers_are_refused() -> None:
    with pytest.raises(SandboxError, match="at most 32"):
        asked({f"x-{i}": "" for i in range(33)})


@pytest.mark.parametrize("name", [
    "Set-Cookie", "Clear-Site-Data", "Alt-Svc", "NEL", "Report-To", "Link", "Reporting-Endpoints", "Location",
    "Refresh", "Access-Control-Allow-Origin", "Content-Security-Policy", "Server", "Pysandbox-Outcome",
    "WWW-Authenticate", "Content-Encoding", "Transfer-Encoding", "Service-Worker-Allowed"])
def test_an_answers_header_that_a_browser_would_act_on_never_passes(name: str) -> None:
    assert not may_be_answered(name)
    assert answered([(name, "x")], extra={name.lower()}) == list(ADDED)


def test_an_answer_keeps_what_is_listed_and_gets_ours() -> None:
    upstream = [
        ("content-type", "application/json"), ("X-Internal-Trace", "t"), ("ETag", '"1"'), ("X-Page", "2"),
        ("X-Content-Type-Options", "sniff"), ("Content-Security-Policy", "default-src *")]
    assert answered(upstream) == [("Content-Type", "application/json"), ("Etag", '"1"'), *ADDED]
    assert ("X-Page", "2") in answered(upstream, extra={"x-page"})
    assert dict(ADDED) == {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


def test_what_a_route_strips_is_gone_in_any_case() -> None:
    assert answered([("ETag", "1"), ("X-Page", "2")], extra={"x-page"}, strip=["etag", "X-PAGE"]) == list(ADDED)


def test_the_first_of_two_content_types_counts_as_it_does_for_masking() -> None:
    shown = answered([("Content-Type", "application/json"), ("content-type", "text/html")])
    assert shown == [("Content-Type", "application/json"), *ADDED]


def test_an_answers_value_with_a_line_end_is_dropped() -> None:
    assert answered([("ETag", "a\r\nSet-Cookie: b")]) == list(ADDED)


def test_what_always_passes_is_nothing_that_never_may() -> None:
    assert all(map(may_be_asked, ASKED))
    assert all(map(may_be_answered, ANSWERED))
