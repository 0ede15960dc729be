"""The CSP of a manifest: whole tokens, every fault named, and matching as in CSP Level 3."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pysandbox.core.csp import FALLBACKS, Csp, check_csp, parse_csp
from pysandbox.core.csp_source import SourceError, parse_source
from pysandbox.core.errors import Code, ManifestError

GUIDE = (
    "default-src 'self'; script-src 'none'; worker-src 'self' https://cdn.vendor.com; connect-src "
    "https://api.gateway.internal https://cdn.vendor.com; frame-src 'none'; object-src 'none'")


def rules(text: str) -> list[str]:
    return [problem.rule for problem in check_csp(text)[1]]


def test_the_guides_policy_is_accepted_and_says_what_it_says() -> None:
    csp = parse_csp(GUIDE)
    assert csp.allows("connect-src", "https://api.gateway.internal")
    assert csp.allows("worker-src", "https://cdn.vendor.com/plugins/risk-scoring-2.1.0.zip")
    assert csp.allows("worker-src", "https://page.example/x", "https://page.example")
    assert csp.allows("img-src", "https://page.example/x", "https://page.example")
    assert not csp.allows("connect-src", "https://evil.example")
    assert not csp.allows("script-src", "https://cdn.vendor.com/x.js")
    assert not csp.allows("frame-src", "https://page.example", "https://page.example")


@pytest.mark.parametrize(("sources", "part"), [
    ("'unsafe-inline'", "'unsafe-inline' is refused"), ("'unsafe-eval'", "'unsafe-eval' is refused"),
    ("'UNSAFE-EVAL'", "is refused"), ("'unsafe-hashes'", "is refused"), ("'strict-dynamic'", "is refused"),
    ("'report-sample'", "is refused"), ("*", "allows every host"), ("https://*", "allows every host"),
    ("*:443", "allows every host"), ("https:", "allows every host"), ("wss:", "allows every host"),
    ("data:", "data: is refused"), ("blob:", "blob: is refused"), ("DATA:", "is refused"),
    ("filesystem:", "allows every host"), ("'nonce-abc'", "nonces and hashes"), ("'sha256-abc='", "nonces and hashes"),
    ("'SHA512-x'", "nonces and hashes"), ("'unsafe-anything'", "no CSP keyword"), ("'self", "no CSP keyword"),
    ("self'", "no CSP keyword"), ("report-sample", "without quotes"),
    ("data:", "loaded as a resource"), ("blob:", "loaded as a resource"),
    ("self", "without quotes"), ("none", "without quotes"), ("unsafe-eval", "without quotes"),
    ("'none' 'self'", "stands alone"), ("'none' https://a.test", "stands alone"), ("'none' 'none'", "stands alone"),
    ("https://user@a.test", "user names"), ("https://u:p@a.test", "user names"), ("u@a.test", "user names"),
    ("https://a.test.", "trailing dot"), ("https://[::1]", "IPv6"), ("https://[::ffff:7f00:1]:8", "IPv6"),
    ("https://10.0.0.1", "IP addresses"), ("2130706433", "IP addresses"), ("https://0x7f000001", "IP addresses"),
    ("https://0177.0.0.1", "IP addresses"), ("https://127.1", "IP addresses"), ("https://a.0x", "IP addresses"),
    ("https://0X7F.1", "IP addresses"), ("*.127.0.0.1", "no subdomains"), ("*.com", "top-level domain"),
    ("https://*.", "top-level domain"), ("https://a.*.com", "a host name is"),
    ("https://a_b.example", "a host name is"),
    ("https://-a.test", "a host name is"), ("https://a..example", "a host name is"), ("https://", "a host name is"),
    ("https://%61.example", "a host name is"), ("https://" + "a" * 64 + ".example", "a host name is"),
    ("https://" + "a." * 130 + "example", "a host name is"), ('"self"', "a host name is"),
    ("https://a.test:0", "a port"), ("https://a.test:65536", "a port"), ("https://a.test:", "a port"),
    ("https://a.test:x", "a port"), ("https://a.test:80:*", "IPv6"), ("https://a.test:+80", "a port"),
    ("ftp://a.test", "the scheme"), ("javascript://a.test", "the scheme"), ("data://x", "the scheme"),
    ("https://a.test/?q", "no query"), ("https://a.test/#f", "no query"), ("https:\\\\a.test", "no query"),
    ("https://a.test/../b", "no '.' or '..'"), ("https://a.test/./b", "no '.' or '..'"),
    ("https://a.test/%2e%2E/b", "encoded dot"), ("https://a.test/a%2fb", "encoded dot"),
    ("https://a.test/a%5Cb", "encoded dot"), ("https://a.test/%zz", "two hex digits"),
    ("https://a.test/<x>", "what a URL may hold")])
def test_a_source_that_is_refused_is_named_with_its_rule(sources: str, part: str) -> None:
    found = rules(f"connect-src {sources}")
    assert any(part in rule and rule.startswith("connect-src: ") for rule in found), found


@pytest.mark.parametrize(("text", "part"), [
    ("report-uri https://a.test", "report-uri is refused"), ("report-to x", "report-to is refused"),
    ("REPORT-URI /x", "report-uri is refused"), ("sandbox allow-scripts", "sandbox is no fetch directive"),
    ("base-uri 'none'", "no fetch directive"), ("frame-ancestors 'none'", "no fetch directive"),
    ("form-action 'self'", "no fetch directive"), ("upgrade-insecure-requests", "no fetch directive"),
    ("require-trusted-types-for 'script'", "no fetch directive"), ("https://a.test", "no fetch directive"),
    ("connect-src 'self'; Connect-Src https://a.test", "there twice"),
    ("connect-src 'self', script-src https://a.test", "a comma"),
    ("connect-src https://a.test\n; report-uri https://b.example", "printable ASCII"),
    ("connect-src\thttps://a.test", "printable ASCII"), ("connect-src https://a.test\r\nX: y", "printable ASCII"),
    ("connect-src https://a.test\x00", "printable ASCII"), ("connect-src https://b\u00fccher.example", "printable"),
    ("connect-src https://a\u3002example", "printable"), ("connect-src\u00a0https://a.test", "printable"),
    ("connect-src https://\u212aing.example", "printable"), ("img-src 'self';" * 400, "at most 4096")])
def test_a_policy_that_a_browser_would_mend_or_half_ignore_is_refused(text: str, part: str) -> None:
    assert any(part in rule for rule in rules(text)), rules(text)


def test_all_faults_are_listed_at_once_and_each_has_path_and_cure() -> None:
    problems = check_csp("script-src 'unsafe-eval' 'unsafe-inline' data:; report-uri /x; nonsense; img-src *", "$.x")[1]
    assert len(problems) == 6
    assert all(problem.path == "$.x" and problem.cure for problem in problems)
    with pytest.raises(ManifestError) as caught:
        parse_csp("sandbox; script-src *")
    assert {problem.path for problem in caught.value.details} == {"$.manifest.csp"}
    assert caught.value.code == Code.MANIFEST_INVALID
    assert len(caught.value.details) == 2


def test_a_policy_may_be_as_long_as_is_said() -> None:
    longest = "img-src 'self'".ljust(4096)
    assert parse_csp(longest).sources("img-src")
    assert rules(longest + " ") == ["a CSP has at most 4096 characters"]


def test_wasm_unsafe_eval_is_a_token_of_its_own_and_allows_nothing() -> None:
    csp = parse_csp("script-src 'WASM-unsafe-eval' https://a.test; connect-src 'none'")
    assert csp.allows("script-src", "https://a.test/x.js")
    assert not csp.allows("script-src", "https://b.example/x.js")
    assert not parse_csp("script-src 'wasm-unsafe-eval'").allows("script-src", "https://a.test/", "https://a.test")
    assert "'unsafe-eval'" in rules("script-src 'wasm-unsafe-eval' 'unsafe-eval'")[0]
    assert "script-src and default-src only" in rules("connect-src 'wasm-unsafe-eval'")[0]
    assert rules("default-src 'wasm-unsafe-eval'; script-src 'wasm-unsafe-eval'") == []


@pytest.mark.parametrize("text", ["", ";", " ; ;; ", "connect-src", "connect-src 'none'", "default-src 'NONE'"])
def test_what_no_source_allows_is_denied_even_where_a_browser_would_allow_it(text: str) -> None:
    csp = parse_csp(text)
    assert not any(csp.allows(name, "https://a.test/", "https://a.test") for name in FALLBACKS)


@pytest.mark.parametrize(("text", "directive", "allowed"), [
    ("default-src https://a.test", "connect-src", True),
    ("default-src https://a.test; connect-src 'none'", "connect-src", False),
    ("default-src https://a.test", "worker-src", True),
    ("default-src https://a.test; script-src 'none'", "worker-src", False),
    ("script-src 'none'; child-src https://a.test", "worker-src", True),
    ("child-src https://a.test; worker-src 'none'", "worker-src", False),
    ("default-src 'none'; child-src https://a.test", "frame-src", True),
    ("script-src https://a.test", "frame-src", False),
    ("script-src https://a.test", "script-src-elem", True),
    ("style-src https://a.test; default-src 'none'", "style-src-attr", True),
    ("frame-src https://a.test", "fenced-frame-src", True),
    ("connect-src https://a.test", "img-src", False)])
def test_an_absent_directive_falls_back_along_its_chain(text: str, directive: str, *, allowed: bool) -> None:
    assert parse_csp(text).allows(directive, "https://a.test/") is allowed


CHAINS = [chain.split() for chain in (
    "script-src-elem script-src default-src", "script-src-attr script-src default-src",
    "style-src-elem style-src default-src", "style-src-attr style-src default-src",
    "worker-src child-src script-src default-src", "connect-src default-src", "manifest-src default-src",
    "prefetch-src default-src", "object-src default-src", "frame-src child-src default-src",
    "fenced-frame-src frame-src child-src default-src", "media-src default-src", "font-src default-src",
    "img-src default-src", "child-src default-src", "script-src default-src", "style-src default-src", "default-src")]


@pytest.mark.parametrize("chain", CHAINS, ids=[chain[0] for chain in CHAINS])
def test_a_directive_is_governed_by_those_that_the_specification_names_in_their_order(chain: list[str]) -> None:
    """Written out from CSP3 6.8.3, and not from the code."""
    for one in [chain[0] for chain in CHAINS]:
        assert parse_csp(f"{one} https://a.test").allows(chain[0], "https://a.test/") is (one in chain)
    for nearer, farther in pairwise(chain):
        assert not parse_csp(f"{farther} https://a.test; {nearer} 'none'").allows(chain[0], "https://a.test/")
        assert parse_csp(f"{farther} 'none'; {nearer} https://a.test").allows(chain[0], "https://a.test/")


def test_the_specifications_fetch_directives_are_all_there_are() -> None:
    assert FALLBACKS.keys() == {chain[0] for chain in CHAINS}


@pytest.mark.parametrize(("source", "url", "allowed"), [
    ("https://a.test", "https://a.test", True), ("https://a.test", "https://a.test/any/path?q=1", True),
    ("https://A.Test", "https://a.test/", True), ("HTTPS://a.test", "https://a.test/", True),
    ("https://a.test", "http://a.test/", False), ("http://a.test", "https://a.test/", True),
    ("https://a.test", "https://b.a.test/", False), ("https://a.test", "https://a.test.evil.example/", False),
    ("https://a.test", "https://evila.test/", False), ("https://*.a.test", "https://a.test/", False),
    ("https://*.a.test", "https://b.a.test/", True), ("https://*.a.test", "https://c.b.a.test/", True),
    ("https://*.a.test", "https://evila.test/", False), ("https://a.test", "https://a.test:8443/", False),
    ("https://a.test:8443", "https://a.test:8443/", True), ("https://a.test:8443", "https://a.test/", False),
    ("https://a.test:443", "https://a.test/", True), ("https://a.test", "https://a.test:443/", True),
    ("https://a.test:*", "https://a.test:9/", True), ("http://a.test:*", "https://a.test:9/", True),
    ("ws://a.test", "ws://a.test/", True), ("ws://a.test", "http://a.test/", True),
    ("ws://a.test", "https://a.test/", True), ("wss://a.test", "wss://a.test/", True),
    ("ws://a.test", "wss://a.test/", True), ("wss://a.test", "ws://a.test/", False),
    ("wss://a.test", "https://a.test/", True), ("https://a.test", "wss://a.test/", False),
    ("a.test", "https://a.test/", True), ("a.test", "http://a.test/", False),
    ("a.test:8443", "https://a.test:8443/", True),
    ("https://a.test/", "https://a.test", True), ("https://a.test/", "https://a.test/x", True),
    ("https://a.test/p/", "https://a.test/p/x", True), ("https://a.test/p/", "https://a.test/p/", True),
    ("https://a.test/p/", "https://a.test/p", False), ("https://a.test/p/", "https://a.test/px", False),
    ("https://a.test/p/", "https://a.test", False), ("https://a.test/p", "https://a.test/p", True),
    ("https://a.test/p", "https://a.test/p/x", False), ("https://a.test/p", "https://a.test/p?q=1", True),
    ("https://a.test/p%61/", "https://a.test/pa/x", True), ("https://a.test/P/", "https://a.test/p/", False),
    ("http://127.0.0.1:8900", "http://127.0.0.1:8900/proxy", True),
    ("http://localhost:8900", "http://localhost:8900", True),
    ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test/", True)])
def test_host_sources_match_as_in_csp_level_3(source: str, url: str, *, allowed: bool) -> None:
    assert parse_csp(f"connect-src {source}").allows("connect-src", url) is allowed


@pytest.mark.parametrize("url", [
    "https://a.test@evil.example/", "https://a.test.", "https://a.test\\@evil.example", "//a.test",
    "https:a.test", "https:/a.test", "https://a.test/../x", "https://a.test/%2e%2e/x", "HTTPS://a.test",
    "https://A.test", "https://a.test:+443", " https://a.test", "https://a.test\n", "https://a.test#f",
    "https://\u212a.test", "https://a.test:99999", "a.test", "", "null", "https://a.test:", "https://a%2eexample"])
def test_a_url_that_is_not_in_plain_form_is_never_covered(url: str) -> None:
    assert parse_csp("default-src https://a.test *.example.com").allows("connect-src", url) is False


@pytest.mark.parametrize(("own", "url", "allowed"), [
    ("https://a.test", "https://a.test/x", True), ("https://a.test", "http://a.test/x", False),
    ("http://a.test", "https://a.test/x", True), ("https://a.test", "wss://a.test/x", True),
    ("http://a.test", "ws://a.test/x", True), ("https://a.test", "https://b.example/x", False),
    ("https://a.test", "https://a.test:8443/x", False), ("https://a.test:8443", "https://a.test:8443/", True),
    ("http://a.test", "http://a.test/x", True), ("https://a.test", "ws://a.test/x", False),
    (None, "https://a.test/x", False)])
def test_self_is_the_given_origin_or_the_same_host_by_a_safer_scheme(
        own: str | None, url: str, *, allowed: bool) -> None:
    assert parse_csp("default-src 'self'").allows("connect-src", url, own) is allowed


def test_a_source_without_scheme_takes_the_scheme_of_self() -> None:
    assert parse_csp("connect-src a.test").allows("connect-src", "http://a.test/", "http://page.example")


def test_asking_for_what_is_no_fetch_directive_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        parse_csp("").allows("base-uri", "https://a.test")
    with pytest.raises(ValueError, match="starts with"):
        parse_csp("").allows("img-src", "https://a.test", "null")


def test_the_canonical_spelling_reads_back_as_the_same_policy() -> None:
    for text in (GUIDE, "connect-src *.A.test:* a.test/p; script-src 'wasm-unsafe-eval'; img-src", ""):
        csp = parse_csp(text)
        assert parse_csp(str(csp)) == csp
    assert str(parse_csp("IMG-src;;connect-src HTTPS://A.test:8/X")) == "img-src 'none'; connect-src https://a.test:8/X"


def test_a_policy_cannot_be_changed_once_read() -> None:
    csp: Csp = parse_csp(GUIDE)
    with pytest.raises(TypeError):
        csp.directives["connect-src"] = ()  # type: ignore[index]  # the point of the test


def test_a_refused_source_says_its_rule_and_keeps_the_cure_apart() -> None:
    with pytest.raises(SourceError) as caught:
        parse_source("data:")
    assert str(caught.value) == caught.value.rule
    assert caught.value.cure == "Put the data into the bundle."
