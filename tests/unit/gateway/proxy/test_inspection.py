"""What inspection finds, and that it neither repeats nor leaks what it saw."""

from __future__ import annotations

import json

import pytest

from pysandbox.gateway.proxy.inspection import (
    Finding,
    Histories,
    Kind,
    Sizes,
    Usual,
    inspect,
    inspect_answer,
)

JSON = "application/json"
CARD = "4111111111111111"


def kinds(body: str | bytes, content_type: str = JSON, query: str = "") -> list[tuple[str, str]]:
    data = body.encode() if isinstance(body, str) else body
    found = inspect(method="POST", query=query, content_type=content_type, body=data)
    return [(finding.kind.value, finding.where) for finding in found]


def test_an_ordinary_request_has_nothing_odd() -> None:
    assert kinds('{"customerId": "c-1", "tier": "gold", "amount": 12.5}') == []
    assert kinds("a=1&b=two+words", "application/x-www-form-urlencoded") == []
    assert kinds(b"\x89PNG\xff", "image/png") == []
    assert inspect(method="GET", query="q=risk&page=2", content_type="", body=b"") == ()


@pytest.mark.parametrize("body", ["{", '{"a":1,}', '{"a":1,"a":2}', "NaN", '"\\ud800"', '{"a":1} x', "a=1"])
def test_malformed_json_is_found(body: str) -> None:
    assert kinds(body) == [("malformed-json", "body")]


@pytest.mark.parametrize("body", [
    "[" * 33 + "]" * 33, '{"a":' * 40_000, json.dumps(dict.fromkeys(map(str, range(1001))))])
def test_deep_and_wide_json_is_found_without_being_parsed(body: str) -> None:
    assert kinds(body) == [("deep-nesting", "body")]


@pytest.mark.parametrize(("body", "content_type"), [
    ('{"a":1}', "text/plain"), ("[1]", "application/x-www-form-urlencoded"), (b"\xff", JSON),
    ("<html>", JSON), ("<a/>", "application/x-ndjson")])
def test_a_body_that_is_not_what_its_type_says_is_found(body: str | bytes, content_type: str) -> None:
    assert ("type-mismatch", "body") in kinds(body, content_type)


@pytest.mark.parametrize(("body", "content_type"), [
    (f'{{"note":"card {CARD}"}}', JSON), (f'{{"a":[{{"b":{CARD}}}]}}', JSON), ('{"SSN":"x"}', JSON),
    ('{"n":"\\u0034111111111111111"}', JSON), (f"note={CARD}", "application/x-www-form-urlencoded"),
    ("note=%34111111111111111", "application/x-www-form-urlencoded"),
    (f'{{"a":1}}\n{{"b":"{CARD}"}}', "application/jsonl"), (f"it is {CARD}", "a/b"), ("{" + CARD + "}", JSON)])
def test_personal_data_is_found_in_every_kind_of_body(body: str, content_type: str) -> None:
    assert ("personal-data", "body") in kinds(body, content_type)


def test_credentials_are_found_in_bodies_and_queries() -> None:
    assert kinds('{"h":"Bearer abcdefghijklmnop1234"}') == [("credential", "body")]
    assert kinds('{"client-secret":"x"}') == [("credential", "body")]
    assert kinds("", query="access_token=x") == [("credential", "query")]
    assert kinds("", query="a=Bearer+abcdefghijklmnop1234") == [("credential", "query")]
    assert kinds('{"password":""}') == [], "nothing is in it"


def test_a_finding_never_holds_what_was_found() -> None:
    found = inspect(method="POST", query=f"q={CARD}", content_type=JSON, body=f'{{"card":"{CARD}"}}'.encode())
    assert found
    assert CARD not in repr(found)


def told(usual: Usual, sizes: list[int], method: str = "POST") -> Usual:
    for size in sizes:
        usual.ask(method, size)
        usual.answered.add(size)
    return usual


def test_a_body_far_above_a_routes_own_history_is_found() -> None:
    usual = told(Usual(), [1000 + i % 100 for i in range(60)])
    big, usually = b'"' + b"x" * 50_000 + b'"', b'"' + b"x" * 1100 + b'"'
    assert inspect(method="POST", query="", content_type=JSON, body=big, usual=usual) == (
        Finding(Kind.UNUSUAL_SIZE, "body"),)
    assert inspect(method="POST", query="", content_type=JSON, body=usually, usual=usual) == ()
    assert inspect_answer(content_type=JSON, body=big, usual=usual) == (Finding(Kind.UNUSUAL_SIZE, "answer"),)
    assert inspect_answer(content_type=JSON, body=usually, usual=usual) == ()


def test_a_route_without_a_history_finds_no_size_unusual() -> None:
    assert inspect(method="POST", query="", content_type=JSON, body=b"1" * 300, usual=told(Usual(), [1] * 29)) == ()


def test_sizes_that_vary_widely_are_usual_and_a_new_level_becomes_usual() -> None:
    wide, moved = Sizes(), Sizes()
    for i in range(200):
        wide.add(10 ** (i % 6))
        moved.add(1000)
    assert not wide.unusual(200_000)
    assert moved.unusual(100_000)
    for _ in range(200):
        moved.add(100_000)
    assert not moved.unusual(120_000)


def test_nothing_small_is_unusual() -> None:
    sizes = Sizes()
    for _ in range(100):
        sizes.add(1)
    assert not sizes.unusual(4096)
    assert sizes.unusual(4097)


def test_a_method_that_a_busy_route_never_saw_is_found_once() -> None:
    usual = told(Usual(), [10] * 29, "GET")
    assert inspect(method="DELETE", query="", content_type="", body=b"", usual=usual) == ()
    usual.ask("GET", 0)
    found = (Finding(Kind.UNEXPECTED_METHOD, "method"),)
    assert inspect(method="DELETE", query="", content_type="", body=b"", usual=usual) == found
    usual.ask("DELETE", 0)
    assert inspect(method="DELETE", query="", content_type="", body=b"", usual=usual) == ()


def test_an_answer_is_inspected_for_its_form_and_not_for_what_it_holds() -> None:
    assert inspect_answer(content_type=JSON, body=f'{{"ssn":"{CARD}"}}'.encode()) == ()
    assert inspect_answer(content_type=JSON, body=b"<html>") == (
        Finding(Kind.MALFORMED_JSON, "answer"), Finding(Kind.TYPE_MISMATCH, "answer"))


def test_histories_are_apart_by_tenant_and_route() -> None:
    histories = Histories()
    assert histories.of("t1", "r", b"") is histories.of("t1", "r", b"")
    assert histories.of("t1", "r", b"") is not histories.of("t2", "r", b"")
    assert histories.of("t1", "r", b"") is not histories.of("t1", "q", b"")


def test_a_route_that_was_replaced_has_no_history_yet() -> None:
    histories = Histories()
    first = histories.of("t", "r", b"first")
    second = histories.of("t", "r", b"second")
    assert second is not first
    assert histories.of("t", "r", b"second") is second


def test_the_history_of_the_route_that_was_used_least_goes_first() -> None:
    histories = Histories(max_routes=2)
    first, second = histories.of("t", "1", b""), histories.of("t", "2", b"")
    assert histories.of("t", "1", b"") is first
    histories.of("t", "3", b"")
    assert histories.of("t", "1", b"") is first
    assert histories.of("t", "2", b"") is not second
