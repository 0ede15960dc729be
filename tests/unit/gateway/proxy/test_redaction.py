"""Credentials that come back: found in every spelling, wherever a stream is cut."""

import base64
import json
from urllib.parse import quote

import pytest

from pysandbox.gateway.proxy.redaction import MARK, Redactor, forms, redact

SECRET = 's3cr3t/"value"+&é'
FORMS = forms([SECRET])


@pytest.mark.parametrize("echo", [
    SECRET.encode(), json.dumps({"a": SECRET}).encode(), json.dumps(SECRET, ensure_ascii=False).encode(),
    quote(SECRET, safe="").encode(), base64.b64encode(SECRET.encode()), base64.urlsafe_b64encode(SECRET.encode()),
    SECRET.encode().hex().encode()])
def test_a_credential_is_found_in_every_spelling(echo: bytes) -> None:
    cleaned = redact(b"<" + echo + b">", FORMS)
    assert MARK in cleaned
    for form in (b"s3cr3t", base64.b64encode(b"s3cr3t")[:8], b"s3cr3t".hex().encode()):
        assert form not in cleaned


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 1000])
def test_a_stream_is_cleaned_wherever_it_is_cut(size: int) -> None:
    body = b"before " + SECRET.encode() + b" between " + SECRET.encode() + SECRET.encode() + b" after"
    redactor = Redactor(FORMS)
    pieces = [redactor.feed(body[at:at + size]) for at in range(0, len(body), size)]
    assert b"".join([*pieces, redactor.end()]) == b"before " + MARK + b" between " + MARK + MARK + b" after"


def test_what_holds_no_credential_comes_out_as_it_went_in() -> None:
    body = bytes(range(256)) * 40
    redactor = Redactor(FORMS)
    assert redactor.feed(body) + redactor.end() == body
    nothing = Redactor(())
    assert nothing.feed(body) == body
    assert nothing.end() == b""


def test_a_text_of_three_letters_is_no_credential() -> None:
    assert forms(["abc", ""]) == ()
