"""Attack 60: a path that is wider than the route, in every spelling that some server would read so."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from pysandbox.gateway.proxy.pattern import allowed, fault_of_path, parse_pattern


@pytest.mark.parametrize(("pattern", "path", "rest"), [
    ("/proxy/vendor/risk/*", "/proxy/vendor/risk/evaluate", "evaluate"),
    ("/proxy/vendor/risk/*", "/proxy/vendor/risk/a/b%20c/", "a/b%20c/"),
    ("/proxy/vendor/risk/*", "/proxy/vendor/risk", None),
    ("/proxy/vendor/risk/*", "/proxy/vendor/risk/", None),
    ("/proxy/vendor/risk/*", "/proxy/vendor/riskier/x", None),
    ("/proxy/vendor/risk/*", "/proxy/vendor/Risk/x", None),
    ("/proxy/vendor/risk", "/proxy/vendor/risk", ""),
    ("/proxy/vendor/risk", "/proxy/vendor/risk/", None),
    ("/proxy/vendor/risk", "/proxy/vendor/risk/x", None),
])
def test_a_star_stands_for_one_or_more_whole_segments(pattern: str, path: str, rest: str | None) -> None:
    assert parse_pattern(pattern).match(path) == rest


@pytest.mark.parametrize("text", [
    "", "/", "/proxy", "/proxy/", "/proxy/*", "/proxy//*", "/proxies/vendor/*", "/api/v2/sessions", "proxy/vendor/*",
    "/proxy/*/risk", "/proxy/vendor*", "/proxy/vendor/*/*", "/proxy/vendor/ri*k", "/proxy/vendor/**",
    "/proxy/vendor/../*", "/proxy/vendor/./x", "/proxy/vendor//x", "/proxy/vendor/%2e%2e/*", "/proxy/vendor/a b",
    "/proxy/vendor/x?y", "/proxy/vendor/x#y", "/proxy/vendor\\x", "/proxy/{host}/*", "/proxy/vendor/(a+)+$",
    "/proxy/vendor/x\n", "/proxy/vendör/*", "https://evil.example/*", "/proxy/vendor/.hidden",
    "/proxy/vendor/" + "x" * 500])
def test_a_pattern_that_lets_a_plugin_choose_or_climb_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|segments"):
        parse_pattern(text)


@pytest.mark.parametrize(("pattern", "allowlist", "covered"), [
    ("/proxy/vendor/risk/*", ["/proxy/*"], True),
    ("/proxy/vendor/risk/*", ["/proxy/vendor/*"], True),
    ("/proxy/vendor/risk/*", ["/proxy/vendor/risk/*"], True),
    ("/proxy/vendor/risk", ["/proxy/other/*", "/proxy/vendor/risk"], True),
    ("/proxy/vendor/risk", ["/proxy/vendor/risk/*"], False),
    ("/proxy/vendor/risk/*", ["/proxy/vendor/risk"], False),
    ("/proxy/vendor/*", ["/proxy/vendor/risk/*"], False),
    ("/proxy/vendors/x", ["/proxy/vendor/*"], False),
    ("/proxy/vendor/risk", [], False),
])
def test_the_operators_allowlist_covers_what_it_matches_wholly(
    pattern: str, allowlist: list[str], covered: bool
) -> None:
    assert allowed(parse_pattern(pattern), allowlist) is covered


@pytest.mark.parametrize("rest", [
    "evaluate", "a/b", "a/", "a%20b", "a%C3%A9", "1.2", "..a", "a..", "...", "~x", "a,b", "a:b@c", "v1;x=1", "a+b",
    "%22",
    quote("Größe/50%"[:5], safe="")])
def test_plain_paths_pass(rest: str) -> None:
    assert fault_of_path(f"/proxy/vendor/risk/{rest}") is None


@pytest.mark.parametrize("rest", [
    "..", ".", "../secret", "a/../b", "a/./b", "%2e%2e/secret", "%2E%2e", ".%2e", "%2e", "..%2fsecret", "a%2fb",
    "a%2Fb",
    "..%5csecret", "a\\b", "..\\b", "/secret", "a//b", "..;/secret", "..;x=1/secret", ".;/a", "%252e%252e/secret",
    "a%252fb",
    "%25", "..%00", "a%00.json", "%c0%ae%c0%ae/secret", "%c0%af", "%e0%80%ae", "%ff", "%EF%BC%8E%EF%BC%8E/secret",
    "%E2%80%A4%E2%80%A4/secret", "%E2%80%A5/x", "a%EF%BC%8Fb", "a%EF%BC%BCb", "a%0d%0aX-Evil:1", "a%09b", "%7f",
    "%73ecret", ";", ";x=1/a", "%20", "%E2%80%AE..", "%C2%AD..", "%C2%85",
    "a%2Db", "a b", "a\tb", "a\r\nb", "a#b", "a?b", "é", "%", "%2", "%zz", "%u002e", "a|b", "a\"b", "<a>", "\ud800",
    "\0"])
def test_what_another_reader_could_take_for_another_path_is_refused(rest: str) -> None:
    assert fault_of_path(f"/proxy/vendor/risk/{rest}") is not None


def test_control_a_prefix_alone_would_let_the_climber_through() -> None:
    climber = "/proxy/vendor/risk/%2e%2e/secret"
    assert parse_pattern("/proxy/vendor/risk/*").match(climber) is not None
    assert ".." in unquote(climber).split("/")
    assert fault_of_path(climber) is not None


def test_a_path_is_bounded() -> None:
    assert fault_of_path("/proxy/v/" + "x" * 4087) is None
    assert fault_of_path("/proxy/v/" + "x" * 4088) is not None


def test_a_path_starts_with_a_slash() -> None:
    assert fault_of_path("proxy/vendor") is not None
    assert fault_of_path("") is not None
