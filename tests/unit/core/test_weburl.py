"""URLs in plain form only: no two readers may disagree."""

from __future__ import annotations

import pytest

from pysandbox.core.weburl import WebUrl, parse_url


def test_the_parts_of_a_plain_url() -> None:
    assert parse_url("https://a.test:8443/p/q.zip?x=1&y=?") == WebUrl("https", "a.test", 8443, "/p/q.zip", "x=1&y=?")
    assert parse_url("https://a.test") == WebUrl("https", "a.test", None)


@pytest.mark.parametrize(("text", "origin"), [
    ("https://a.test:443/x", "https://a.test"), ("http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
    ("http://localhost:80", "http://localhost"), ("http://a.test:443", "http://a.test:443")])
def test_the_origin_leaves_out_the_default_port(text: str, origin: str) -> None:
    assert parse_url(text).origin == origin


@pytest.mark.parametrize(("text", "rule"), [
    ("", "printable"), ("https://a example", "printable"),
    ("https://a\u2024example", "printable"), ("ftp://a", "starts with"),
    ("https:\\\\a", "starts with"), ("//a", "starts with"), ("https://a#", "fragment"), ("https://u@a", "user names"),
    ("https://[::1]/", "IPv6"), ("https://1.2.3.4", "IP addresses"), ("https://0x7f.0.0.1", "IP addresses"),
    ("https://127.0.0.1.", "trailing dot"), ("https://a.", "trailing dot"), ("https://A", "lower-case"),
    ("https://a:00080", "port"), ("https://a:80a", "port"), ("https://a/%", "hex digits"),
    ("https://a/b|c", "may hold"),
    ("https://a/x/..", "segment"), ("https://a/%00", "encoded")])
def test_all_else_is_refused_with_its_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        parse_url(text)
