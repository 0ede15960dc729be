"""Plain JSON is masked as text; whatever could be read in another way is left to those who read it (attack 79)."""

from __future__ import annotations

import json

import pytest

from pysandbox.gateway.proxy.masking import MASK, canonical_name
from pysandbox.gateway.proxy.masking_plain import PlainMasker

SECRET = "078-05-1120"
FIELDS = ("ssn", "credit_card")


def masked(body: str, *met: str, max_keys: int = 1000) -> str | None:
    masker = PlainMasker([canonical_name(field) for field in FIELDS], mask=MASK, max_keys=max_keys)
    for key in (*FIELDS, *met):
        masker.met(canonical_name(key), key)
    shown = masker.masked(body.encode())
    return None if shown is None else shown.decode()


@pytest.mark.parametrize(("body", "shown"), [
    ('{"ssn":"S"}', '{"ssn":"***"}'),
    ('[{"ssn" : "S", "a": 1.10}, {"ssn":\n17}]', '[{"ssn":"***", "a": 1.10}, {"ssn":"***"}]'),
    ('{"credit_card": -1e5, "ssn": null}', '{"credit_card":"***", "ssn":"***"}'),
    ('{"ssn": "", "ssn": "S"}', '{"ssn":"***", "ssn":"***"}'), ('{"a": "ssns", "bssn": 1}', '{"a": "ssns", "bssn": 1}'),
    ('{"className": 1, "ssn": 2}', '{"className": 1, "ssn":"***"}'), ('{"className": 1}', '{"className": 1}'),
    ('{"aXssn": "X"}', '{"aXssn": "X"}'), ("[" * 8 + "]" * 8, "[" * 8 + "]" * 8),
    ('{"a": {"b": [[], {"ssn": ":1,"}]}}', '{"a": {"b": [[], {"ssn":"***"}]}}'), ("[]", "[]"), ('"x"', '"x"')])
def test_a_fields_value_is_replaced_and_the_rest_stays_as_it_is(body: str, shown: str) -> None:
    assert masked(body.replace("S", SECRET)) == shown


@pytest.mark.parametrize("key", ["SSN", "s_s_n", "customer.ssn", "customer[ssn]", "s.sn", ":ssn", "creditCard", "ssn."])
def test_a_spelling_not_met_before_is_left_to_others(key: str) -> None:
    assert masked(json.dumps({key: SECRET})) is None
    assert masked(json.dumps({"ssn": 1, "a": {key: SECRET}})) is None


def test_a_spelling_that_was_met_is_known() -> None:
    assert masked('{"creditCard": 1, "credit_card": 2}', "creditCard") == '{"creditCard":"***", "credit_card":"***"}'


@pytest.mark.parametrize("body", [
    '{"ssn": {"area": "S"}}', '{"ssn": ["S"]}',  # no end that a pattern could find
    '{"name": "ssn", "value": "S"}',  # a label
    '{"s\\u0073n": "S"}', '{"a": "{\\"ssn\\": 1}"}', '{"é": 1}', '\ufeff{"a": 1}', '{"ｓｓｎ": "S"}',  # not plain
    '{"a": 1', "", "nul", "{'a': 1}", '{"a": 01}', '{"a": "\n"}', "[1,]", "[1] []",  # no JSON
    '{"a": 1e9999999999999999999}', '{"a": ' + "9" * 5000 + "}",  # no number
    "[" * 9 + "]" * 9, '{"a": "' + "[" * 33 + "]" * 33 + '"}', '{"a": "]"}'])  # not shallow
def test_what_takes_a_closer_look_is_left_to_others(body: str) -> None:
    assert masked(body) is None


def test_an_object_of_very_many_keys_is_left_to_others() -> None:
    body = json.dumps(dict.fromkeys(map(str, range(5)), 0))
    assert masked(body, max_keys=5) == body
    assert masked(body, max_keys=4) is None


def test_a_spelling_that_is_no_plain_word_is_never_searched_for() -> None:
    assert masked('{"s.sn": 1}', "s.sn") is None, "as a pattern it would match other keys"
    assert masked('{"a": 1, ":1,": 2}', "ssn") == '{"a": 1, ":1,": 2}'


def test_of_very_many_spellings_the_first_few_are_known() -> None:
    met = ("SSN", "s_s_n", "s-s-n", "Ssn")
    for key in met[:3]:
        assert masked(json.dumps({key: SECRET}), *met) == f'{{"{key}":"***"}}'
    assert masked(json.dumps({met[3]: SECRET}), *met) is None


@pytest.mark.parametrize(("number", "is_plain"), [
    ("9" * 4299, True), ("9" * 4300, False), ("1e" + "9" * 17, True), ("1e" + "9" * 18, False),
    ("1e-" + "9" * 18, False)])
def test_a_number_that_readers_could_not_hold_is_left_to_others(number: str, *, is_plain: bool) -> None:
    body = f'{{"a": {number}}}'
    assert masked(body) == (body if is_plain else None)


def test_digits_in_pieces_are_no_number_without_end() -> None:
    body = json.dumps({"a": "9" * 2200 + "X" + "9" * 2200})
    assert masked(body) == body
