"""Only exact origins get into a policy."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.origins import authority, parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [("https://app.example", "https://app.example"), ("HTTPS://App.Example:443", "https://app.example"),
     ("http://127.0.0.1:8900", "http://127.0.0.1:8900"), ("http://localhost:80", "http://localhost"),
     ("https://app.example:8443", "https://app.example:8443")])
def test_an_origin_is_taken_as_browsers_write_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "null", "*", "https://*", "https://*.example", "app.example", "https://app.example/", "https://app.example/x",
     "https://user@app.example", "https://app.example; script-src *", "https://app.example,https://b.example",
     "https://app.example\n", " https://app.example", "ftp://app.example", "data:", "https://app.example:0",
     "https://app.example:99999", "https://a..example", "http://[::1]:8900", "https://app.example?x", "https://-a.b",
     "https://münchen.example", "https://app.example:"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SandboxError, match="is not an origin") as caught:
        parse_origin(text)
    assert caught.value.code == Code.INPUT_INVALID


def test_the_authority_is_what_stands_in_the_host_header() -> None:
    assert authority("http://127.0.0.1:8900") == "127.0.0.1:8900"
