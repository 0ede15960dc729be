"""Attacks of the list that headers, masking and inspection stand against: with its wall taken away, each succeeds."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy import headers, inspection, masking, sensitive
from pysandbox.gateway.proxy.inspection import inspect
from pysandbox.gateway.proxy.masking import canonical_name, mask_body
from pysandbox.gateway.proxy.redaction import forms

JSON = "application/json"
SSN = "078-05-1120"
TOKEN = 'tok-en/"0123456789"'


def everything(_name: str) -> bool:
    return True


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except SandboxError as error:
        return error.code in {Code.UPSTREAM_REFUSED, Code.INPUT_INVALID}
    return False


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Host", "Connection", "X-Forwarded-For", "X_Api_Key"])
def test_attack_11_a_plugin_sets_a_header_that_is_not_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert headers.asked({name: "evil"}, extra={name.lower()}) == []
    monkeypatch.setattr(headers, "may_be_asked", everything)
    assert [value for _, value in headers.asked({name: "evil"}, extra={name.lower()})] == ["evil"], "the control"


def echo_in_a_nested_string() -> bytes:
    return json.dumps({"you sent": json.dumps({"Authorization": f"Bearer {TOKEN}"})}).encode()


def echo_in_escapes() -> bytes:
    return b'{"you sent": "' + "".join(f"\\u{ord(sign):04x}" for sign in TOKEN).encode() + b'"}'


@pytest.mark.parametrize("body", [echo_in_a_nested_string(), echo_in_escapes()])
def test_attack_12_the_injected_credential_is_echoed_in_disguise(body: bytes) -> None:
    assert b"0123456789" not in mask_body(JSON, body, ["ssn"], redact=forms([TOKEN]))
    assert b"0123456789" in mask_body(JSON, body, ["ssn"], redact=[TOKEN.encode()]), "the control: one spelling alone"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n2026-11-22 INFO all is well", "\x1b[2J"])
def test_attack_77_a_header_writes_a_line_of_a_log(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(lambda: headers.asked({"Accept": value}))
    monkeypatch.setattr(headers, "_VALUE", re.compile(r"(?s).*"))
    assert headers.asked({"Accept": value}) == [("Accept", value)], "the control"


def interrupted_after(seconds: float, call: Callable[[], object]) -> None:
    """`call`, which gets an `InterruptedError` once this process has worked for so long."""
    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_attack_78_a_text_makes_a_pattern_backtrack() -> None:
    nested, text = r"(?:a+)+b", "a" * 60 + "!"
    assert sensitive._compile(nested).search(text) is None
    with pytest.raises(InterruptedError):  # the control: an engine that backtracks would be at it for years
        interrupted_after(0.05, lambda: re.search(nested, text))
    hostile = "4 " * 50_000 + "bearer " * 20_000 + "; " + "A" * 100_000
    assert inspect(method="POST", query="", content_type="text/plain", body=hostile.encode()) == ()


def only_itself(name: str) -> str:
    return name


@pytest.mark.parametrize("body", [
    f'{{"SSN":"{SSN}"}}', f'{{"s_s_n":"{SSN}"}}', f'{{"ｓｓｎ":"{SSN}"}}', f'{{"ss\u200bn":"{SSN}"}}'])
def test_attack_79_a_masked_field_is_spelled_differently(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SSN not in mask_body(JSON, body.encode(), ["ssn"]).decode()
    monkeypatch.setattr(masking, "canonical_name", only_itself)
    masking._masker.cache_clear()
    assert SSN in mask_body(JSON, body.encode(), ["ssn"]).decode(), "the control"
    masking._masker.cache_clear()


def test_attack_79_a_key_stands_twice_and_one_of_its_values_is_shown() -> None:
    body = f'{{"a":{{"ssn":"{SSN}"}},"a":{{}}}}'
    assert SSN not in mask_body(JSON, body.encode(), ["ssn"]).decode()
    assert not any(canonical_name(key) == "ssn" for key in json.loads(body)["a"]), "the control: nothing seems to be"
    assert SSN in body


def test_attack_79_a_field_hides_in_json_in_a_string(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"a": json.dumps({"ssn": SSN})}).encode()
    assert SSN.encode() not in mask_body(JSON, body, ["ssn"])
    monkeypatch.setattr(masking, "_STARTS", frozenset[str]())
    assert SSN.encode() in mask_body(JSON, body, ["ssn"]), "the control"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json; charset=utf-16", ""])
def test_attack_79_a_body_hides_behind_its_content_type(content_type: str) -> None:
    body = f'<x>{SSN}</x>{{"ssn":"{SSN}"}}'.encode()
    assert refused(lambda: mask_body(content_type, body, ["ssn"]))
    if "json" not in content_type:
        assert SSN.encode() in mask_body(content_type, body, ["ssn"], non_json="pass"), "the control"


def test_attack_85_an_answer_nests_deeper_than_an_interpreter_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"
    assert refused(lambda: mask_body(JSON, body, ["ssn"]))
    kinds = [finding.kind.value for finding in inspect(method="POST", query="", content_type=JSON, body=body)]
    assert kinds == ["deep-nesting"]
    monkeypatch.setattr(masking, "check_depth", lambda _text: None)
    assert mask_body(JSON, body, ["ssn"]) == body, "the control: it would reach the plugin's interpreter"


@pytest.mark.parametrize("name", ["Set-Cookie", "Clear-Site-Data", "Link", "Alt-Svc", "NEL", "Report-To"])
def test_attack_96_an_upstream_speaks_to_the_browser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert headers.answered([(name, "x")], extra={name.lower()}) == list(headers.ADDED)
    monkeypatch.setattr(headers, "may_be_answered", everything)
    assert ("x" in dict(headers.answered([(name, "x")], extra={name.lower()})).values()), "the control"


def test_attack_98_an_object_has_more_keys_than_a_known_hash_seed_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(dict.fromkeys(map(str, range(1001)), 0)).encode()
    assert refused(lambda: mask_body(JSON, body, ["ssn"]))
    assert inspection.Finding(inspection.Kind.DEEP_NESTING, "body") in inspect(
        method="POST", query="", content_type=JSON, body=body)
    monkeypatch.setattr(masking, "_MAX_KEYS", 10_000)
    assert json.loads(mask_body(JSON, body, ["ssn"])) == json.loads(body), "the control"
