"""Strict JSON: what the parser would let through, or die of, is refused with a code."""

from __future__ import annotations

import json
from collections import OrderedDict
from enum import IntEnum, StrEnum
from time import process_time

import pytest

from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.strict_json import MAX_DIGITS, dumps, loads


def refused(text: object, **bounds: int) -> ProtocolViolation:
    with pytest.raises(ProtocolViolation) as caught:
        loads(text, **bounds)
    return caught.value


@pytest.mark.parametrize("text", [
    "null", "true", "0", "-0.5", '""', '"[[[["', "[]", '{"a":[1,{"b":null}]}', '"\\u00e9\\ud83d\\ude00"', '"\\\\ud800"',
    '{"e":"0e9"}', "1e308", "[1E+2,1e-400]", '"\\"]"'])
def test_good_text_gives_the_value_that_json_gives(text: str) -> None:
    assert loads(text) == json.loads(text)


@pytest.mark.parametrize(("text", "rule"), [
    ('{"a":1,"a":2}', "json-duplicate-key"), ('{"a":1,"\\u0061":1}', "json-duplicate-key"),
    ('[{"x":{"a":1,"a":1}}]', "json-duplicate-key"),
    ("NaN", "json-not-finite"), ("[Infinity]", "json-not-finite"), ('{"a":-Infinity}', "json-not-finite"),
    ("1e309", "json-not-finite"), ("[-1E+400]", "json-not-finite"), ("10.5e999", "json-not-finite"),
    ('"\ud800"', "json-surrogate"), ('"\\ud800"', "json-surrogate"), ('"\\uDFFF"', "json-surrogate"),
    ('{"\\udc00":1}', "json-surrogate"), ('"\\ude00\\ud83d"', "json-surrogate"),
    ('["\\\\ud800","\\ud800"]', "json-surrogate"),
    ("", "json-syntax"), ("[1,]", "json-syntax"), ("{'a':1}", "json-syntax"), ("01", "json-syntax"),
    ("[1] 2", "json-syntax"),
    ("\ufeff1", "json-syntax"), ('"a\nb"', "json-syntax"), ("\u0661", "json-syntax"), ("\u00a01", "json-syntax"),
    (b"{}", "json-not-text"), (None, "json-not-text")])
def test_what_the_parser_would_let_through_is_refused(text: object, rule: str) -> None:
    assert refused(text).rule == rule


@pytest.mark.parametrize("opener", ["[", '{"a":'])
def test_nesting_is_counted_before_the_parser_runs(opener: str) -> None:
    closer = "]" if opener == "[" else "}"
    assert loads(opener * 32 + "1" + closer * 32)
    error = refused(opener * 33 + "1" + closer * 33)
    assert (error.rule, error.code) == ("json-too-deep", Code.MESSAGE_LIMIT)


@pytest.mark.parametrize("text", [
    "[" * 4000, "[" * 100_000 + "]" * 100_000, "]" * 5000 + "[" * 10_000, '"' + "[" * 10 + '"' + "[" * 4000,
    '"\\\\"' + "[" * 4000, '["\\"",' * 4000])
def test_a_depth_bomb_never_reaches_the_parser(text: str) -> None:
    assert refused(text).rule in {"json-too-deep", "json-syntax"}
    assert refused("[" * 4000).rule == "json-too-deep"


def test_brackets_inside_strings_do_not_count() -> None:
    text = json.dumps(["[" * 500, '"[' * 500, "\\[" * 500, "\\" * 7, "]" * 9])
    assert loads(text) == json.loads(text)


def test_closing_brackets_inside_strings_do_not_hide_depth() -> None:
    assert refused('["]",' * 33 + "1" + "]" * 33).rule == "json-too-deep"
    assert refused('["\\"]",' * 33 + "1" + "]" * 33).rule == "json-too-deep"


def test_many_siblings_are_not_deep() -> None:
    assert len(str(loads("[" + "[]," * 5000 + "[]]"))) > 5000


def test_a_number_has_at_most_308_digits_so_that_it_is_finite_in_javascript_too() -> None:
    assert loads("9" * MAX_DIGITS) == int("9" * MAX_DIGITS)
    assert refused("9" * (MAX_DIGITS + 1)).rule == "json-number"
    assert refused("9" * 100_000).rule == "json-number"
    assert loads('"' + "9" * 1000 + '"') == "9" * 1000


def test_keys_are_bounded_for_one_object_not_for_the_whole() -> None:
    row = {str(i): i for i in range(1000)}
    assert loads(json.dumps([row, row])) == [row, row]
    error = refused(json.dumps({**row, "more": 1}))
    assert (error.rule, error.code) == ("json-too-many-keys", Code.MESSAGE_LIMIT)
    assert refused('{"a":1,"b":2}', max_keys=1).rule == "json-too-many-keys"


def test_length_is_counted_in_utf16_units_as_javascript_does() -> None:
    assert loads('"abc"', max_chars=5) == "abc"
    assert refused('"abcd"', max_chars=5).code == Code.MESSAGE_LIMIT
    assert loads('"\U0001f600"', max_chars=4) == "\U0001f600"
    assert refused('"\U0001f600"', max_chars=3).rule == "json-too-long"
    with pytest.raises(SandboxError) as caught:
        dumps("\U0001f600", max_chars=3)
    assert caught.value.code == Code.MESSAGE_LIMIT


def test_prototype_names_are_ordinary_keys() -> None:
    value: dict[str, object] = {"__proto__": {"constructor": 1}, "prototype": [], "toJSON": "x"}
    assert loads(dumps(value)) == value


@pytest.mark.parametrize("evil", [
    "[" * 400_000, '"' * 400_000, "\\" * 400_000, '"' + '\\"' * 200_000, '"a\\' * 130_000, "9" * 400_000,
    '{"' * 200_000, "[]" * 200_000, "-" * 400_000])
def test_the_scan_takes_linear_time_whatever_the_text(evil: str) -> None:
    start = process_time()
    refused(evil)
    assert process_time() - start < 2, "a quadratic scan of 400 kB takes minutes"


def test_dumps_is_compact_and_keeps_unicode() -> None:
    assert dumps({"a": [1, 2.5, None, True], "é": "😀"}) == '{"a":[1,2.5,null,true],"é":"😀"}'


def test_dumps_takes_what_authors_have_at_hand() -> None:
    colour = StrEnum("colour", ["RED"])
    number = IntEnum("number", ["ONE"])
    assert dumps(OrderedDict({colour["RED"]: (number["ONE"], colour["RED"])})) == '{"red":[1,"red"]}'


@pytest.mark.parametrize(("value", "place"), [
    ({"a": [1, {2}]}, "$.a[1] is a set"), (b"x", "$ is a bytes"), ({"a": {"b": object()}}, "$.a.b is a object"),
    ([1, 2j], "$[1] is a complex")])
def test_dumps_names_the_place_of_what_is_no_json(value: object, place: str) -> None:
    with pytest.raises(SandboxError, match="no JSON") as caught:
        dumps(value)
    assert caught.value.code == Code.RESULT_NOT_JSON
    assert place in caught.value.message


@pytest.mark.parametrize("value", [
    float("nan"), [float("inf")], {"a": -float("inf")}, "\ud800", {"\udc00": 1}, {1: 2}, {None: 1}, {"a": {True: 1}},
    10**308, [10**5000]])
def test_dumps_refuses_what_loads_would_not_read_back(value: object) -> None:
    with pytest.raises(SandboxError) as caught:
        dumps(value)
    assert caught.value.code == Code.RESULT_NOT_JSON


def test_dumps_ends_on_a_value_that_contains_itself() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(SandboxError) as caught:
        dumps(ring)
    assert caught.value.code == Code.MESSAGE_LIMIT


def test_dumps_ends_on_shared_parts_that_would_unfold_to_gigabytes() -> None:
    value: list[object] = [0]
    for _ in range(10):
        value = [value] * 1000
    with pytest.raises(SandboxError) as caught:
        dumps(value)
    assert caught.value.code == Code.MESSAGE_LIMIT


def test_dumps_has_the_bounds_of_loads() -> None:
    deep: object = 1
    for _ in range(32):
        deep = [deep]
    assert loads(dumps(deep)) == deep
    for value in ([deep], {str(i): 0 for i in range(1001)}, "x" * 2_000_000):
        with pytest.raises(SandboxError) as caught:
            dumps(value)
        assert caught.value.code == Code.MESSAGE_LIMIT
