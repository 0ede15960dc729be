"""Masked fields stay masked, however an answer is written (attack 79); an echoed credential is not shown (12)."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.masking import MASK, canonical_name, mask_body
from pysandbox.gateway.proxy.redaction import forms

FIELDS = ("ssn", "credit_card", "account_number")
JSON, LINES, FORM = "application/json", "application/x-ndjson", "application/x-www-form-urlencoded"
SECRET = "078-05-1120"


def masked(body: str | bytes, content_type: str = JSON, **more: object) -> str:
    data = body.encode() if isinstance(body, str) else body
    return mask_body(content_type, data, FIELDS, **more).decode()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("key", [
    "ssn", "SSN", "Ssn", "s_s_n", "s-s-n", "ｓｓｎ", "ss\u200bn", "customer.ssn", "customer[ssn]", "/customer/ssn",
    "credit_card", "creditCard", "CreditCard", "CREDIT-CARD", "credit card", "Credit_Card", "accountNumber"])
def test_a_field_is_found_under_every_spelling(key: str) -> None:
    assert json.loads(masked(json.dumps({key: SECRET, "score": 1}))) == {key: MASK, "score": 1}


@pytest.mark.parametrize("key", ["ssns", "score", "cssn", "credit", "card", "", "assn_id"])
def test_another_field_is_left_alone(key: str) -> None:
    assert json.loads(masked(json.dumps({key: SECRET}))) == {key: SECRET}


@pytest.mark.parametrize("body", [
    '{"ssn": "S"}', '{"s\\u0073n": "S"}', '{"a": {"b": [[{"ssn": "S"}]]}}', '[{"ssn": {"area": "S"}}, {"ssn": ["S"]}]',
    '{"ssn": "S", "ssn": "S"}', '{"ssn": "S", "ssn": 1, "SSN": "S"}', '{"a": {"ssn": "S"}, "a": 2}',
    '{"a": "{\\"ssn\\": \\"S\\"}"}', '{"a": " [{\\"s\\\\u0073n\\": \\"S\\"}]"}', '"{\\"ssn\\": \\"S\\"}"',
    '{"a": "{\\"b\\": {\\"ssn\\": \\"S\\"}, \\"b\\": 1}"}', '{"a": "\\"{\\\\\\"ssn\\\\\\": \\\\\\"S\\\\\\"}\\""}',
    '\ufeff{"ssn": "S"}', '{"fields": [{"name": "ssn", "value": "S"}]}', '{"Key": "SSN", "x": 1, "Values": ["S"]}'])
def test_neither_depth_nor_arrays_escapes_repeats_or_json_in_strings_hide_a_value(body: str) -> None:
    text = body.replace("S\\", SECRET + "\\").replace('"S"', f'"{SECRET}"')
    assert SECRET in text, "the control: it is there to be found"
    shown = masked(text)
    assert SECRET not in shown
    json.loads(shown)


def test_a_value_is_masked_whatever_its_type_and_its_key_stays() -> None:
    body = {"ssn": None, "creditCard": 4111111111111111, "account_number": {"iban": ["x"]}}
    assert json.loads(masked(json.dumps(body))) == dict.fromkeys(body, MASK)


def test_numbers_keep_their_digits() -> None:
    text = '{"a":1.10,"b":12345678901234567890,"c":0.1,"d":[1e5,-0.000]}'
    assert masked(text) == text
    assert masked(f'{text[:-1]},"e":"é"}}') == '{"a":1.10,"b":12345678901234567890,"c":0.1,"d":[1E+5,-0.000],"e":"é"}'


def test_text_is_kept_as_it_was() -> None:
    body = {"name": "Grüße 😀 \u2028 </script>", "empty": "", "list": "[not json", "brace": "{", "quote": '"'}
    assert json.loads(masked(json.dumps(body))) == body


@pytest.mark.parametrize("body", [
    b"{", b"", b"<xml/>", b'{"a":1}{"ssn":"x"}', b'{"a":NaN}', b'{"a":"\xff"}', b"{'ssn':1}", b'{"a":"\\ud800"}',
    '{"ssn":"x"}'.encode("utf-16"), b'{"a":1e9999999999999999999999}', b'{"a":' + b"9" * 5000 + b"}",
    b"[" * 33 + b"]" * 33, b'{"a": "' + b"[" * 33 + b"]" * 33 + b'"}',
    json.dumps({f"k{i}": 0 for i in range(1001)}).encode()])
def test_what_cannot_be_read_as_the_json_it_claims_to_be_is_refused(body: bytes) -> None:
    if not body:
        assert mask_body(JSON, body, FIELDS) == b"", "an answer without a body, such as 204"
        return
    with pytest.raises(SandboxError) as error:
        mask_body(JSON, body, FIELDS)
    assert error.value.code == Code.UPSTREAM_REFUSED
    assert "ssn" not in str(error.value)


def test_json_in_strings_in_strings_without_end_is_refused() -> None:
    text = json.dumps({"ssn": SECRET})
    for _ in range(6):
        text = json.dumps([text])
    with pytest.raises(SandboxError, match="too deep"):
        masked(text)


@pytest.mark.parametrize("content_type", [
    "application/json", "APPLICATION/JSON; charset=UTF-8", "application/problem+json", "text/json",
    'application/vnd.api+json;charset="utf-8"'])
def test_every_kind_of_json_is_masked(content_type: str) -> None:
    assert masked('{"ssn":"1"}', content_type) == f'{{"ssn":"{MASK}"}}'


@pytest.mark.parametrize("content_type", [
    "application/json; charset=utf-16", 'application/json;charset="UTF-7"', "text/json; charset=utf-8; charset=x"])
def test_another_encoding_is_refused(content_type: str) -> None:
    with pytest.raises(SandboxError, match="UTF-8"):
        masked('{"ssn":"1"}', content_type)


def test_json_lines_are_masked_line_by_line() -> None:
    assert masked('{"ssn":"1"}\r\n\n{"a":"2"}', LINES) == f'{{"ssn":"{MASK}"}}\n{{"a":"2"}}\n'
    with pytest.raises(SandboxError, match="not the JSON"):
        masked('{"ssn":"1"}\n{"a":', LINES)


@pytest.mark.parametrize("body", [
    f"ssn={SECRET}&a=1", f"a=1;ssn={SECRET}", f"%73sn={SECRET}", f"customer%5Bssn%5D={SECRET}", f"SSN={SECRET}&ssn=2",
    f"a=%7B%22ssn%22%3A%22{SECRET}%22%7D", f"credit+card={SECRET}", f"customer.ssn={SECRET}"])
def test_a_form_is_masked_under_every_spelling(body: str) -> None:
    shown = masked(body, FORM)
    assert SECRET not in shown
    assert MASK in parse_qs(shown.replace(";", "&")).popitem()[1][0] or "a=1" in shown


def test_the_rest_of_a_form_is_kept_byte_by_byte() -> None:
    assert masked("a=%31&ssn=1&b=x+y;c", FORM) == f"a=%31&ssn={MASK}&b=x+y;c"


@pytest.mark.parametrize("content_type", [
    "", "text/html", "application/xml", "text/xml", "image/svg+xml", "text/plain", "multipart/form-data; boundary=x",
    "application/json, text/html", "application/octet-stream", "text/event-stream", "application/json-seq"])
def test_what_masking_cannot_see_into_is_refused_unless_the_route_lets_it_pass(content_type: str) -> None:
    body = "<customer><ssn>1</ssn></customer>"
    with pytest.raises(SandboxError, match="this route refuses"):
        masked(body, content_type)
    assert masked(body, content_type, non_json="pass") == body


def test_json_under_a_false_name_is_masked_even_where_other_kinds_pass() -> None:
    for body in ('{"ssn":"1"}', ' [{"ssn":"1"}]', '\ufeff{"ssn":"1"}', '{"ssn":"1"}\n{"ssn":"1"}'):
        shown = masked(body, "text/plain", non_json="pass")
        assert '"1"' not in shown
        assert MASK in shown
    assert masked("[not json] at all", "text/plain", non_json="pass") == "[not json] at all"


TOKEN = 'tok/en+"é"-0123456789'


@pytest.mark.parametrize("text", [
    json.dumps({"echo": TOKEN}), json.dumps({"echo": TOKEN}, ensure_ascii=False), json.dumps({TOKEN: 1}),
    json.dumps({"echo": f"Bearer {TOKEN}"}), json.dumps([[TOKEN]]), json.dumps({"a": json.dumps({"echo": TOKEN})}),
    '{"echo": "' + "".join(f"\\u{ord(sign):04x}" for sign in TOKEN) + '"}'])
def test_an_echoed_credential_is_redacted_and_the_answer_stays_json(text: str) -> None:
    shown = masked(text, redact=forms([TOKEN]))
    assert "0123456789" not in shown
    assert "[redacted]" in shown
    json.loads(shown)


def test_a_credential_of_digits_echoed_as_a_number_leaves_json_behind() -> None:
    assert masked('{"pin":987654,"b":1}', redact=forms(["987654"])) == '{"pin":"[redacted]","b":1}'


def test_an_echoed_credential_is_redacted_from_forms_and_other_kinds() -> None:
    credential = forms(["s3cret value"])
    assert "s3cret" not in masked("a=s3cret+value&b=%73%33cret%20value", FORM, redact=credential)
    assert "s3cret" not in masked("it is s3cret value", "text/plain", redact=credential, non_json="pass")


def test_names_are_compared_without_signs_and_case() -> None:
    assert canonical_name("Credit_Card-Number") == canonical_name("creditCardNumber") == "creditcardnumber"
    assert canonical_name("ＳＳＮ") == "ssn"
