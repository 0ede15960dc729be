"""What passes redaction, and that nothing else does."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.telemetry.log_words import log_words
from pysandbox.core.telemetry.redact import MARK, MAX_TEXT_CHARS, Redactor, keyed_hash, rounded

PLAIN = Redactor()

PERSONAL = [
    "Ada Lovelace", "ada@example.com", "ADA@EXAMPLE.COM", "ada%40example.com", "+44 20 7946 0958", "(555) 010-0199",
    "5550100199", "4111 1111 1111 1111", "4111-1111-1111-1111", "DE89 3704 0044 0532 0130 00", "078-05-1120",
    "1985-12-10", "10/12/1985", "10.1.2.3", "2001:db8::7", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln",
    "sk_live_51H8xYzAbC", "Zażółć Gęślą", "山田太郎", "١٢٣٤٥٦٧٨٩", "12 Main Street, Springfield", "hunter2",
    "0x4ada", "YWRhQGV4YW1wbGUuY29t", "QQ123456C", "AB 12 34 56 C",
]  # fmt: skip


@pytest.mark.parametrize("value", PERSONAL)
@pytest.mark.parametrize("text", [
    "failed for {}", "customer={} tier=gold", "{}", 'KeyError: "{}" in row', "{}: not found"])
def test_no_value_of_a_person_passes(text: str, value: str) -> None:
    shown = PLAIN.text(text.format(value))

    assert value not in shown.text
    assert not [piece for piece in value.split() if len(piece) > 3 and piece in shown.text and piece != "Street,"]
    assert MARK in shown.text
    assert shown.masked


@pytest.mark.parametrize("text", [
    "scored the request in 12 ms", "took 1250 ms, status 404", "Timeout after 3000 ms", "KeyError: 'score'",
    "the handler's result goes beyond isolation.limits.resultChars",
    "PLUGIN_TIMEOUT at line 112", "score 0.73 of 1", "retry 2 of 5: upstream unavailable", "HTTP 503 from upstream",
])  # fmt: skip
def test_what_an_operator_needs_passes(text: str) -> None:
    assert PLAIN.text(text) == (text, 0)


def test_words_of_the_plugins_own_log_pass() -> None:
    redactor = Redactor(frozenset({"frobnicated", "zażółć"}))

    assert redactor.text("Frobnicated zażółć").text == "Frobnicated zażółć"
    assert PLAIN.text("frobnicated").text == MARK


def test_a_capital_inside_of_a_sentence_is_a_name_until_known() -> None:
    assert PLAIN.text("agent Will Read called").text == f"agent {MARK} called"
    assert PLAIN.text("Will read. Then write").text == "Will read. Then write"


def test_digits_that_follow_each_other_are_one_number() -> None:
    assert PLAIN.text("1 2 3 4").text == MARK
    assert PLAIN.text("12-34").text == MARK


def test_a_long_text_is_cut_and_what_is_not_read_is_counted() -> None:
    shown = PLAIN.text("word " * 2000)

    assert len(shown.text) == MAX_TEXT_CHARS
    assert shown.masked == 1


def test_fields_keep_figures_and_lose_secrets() -> None:
    shown, masked = PLAIN.fields({
        "score": 0.7312, "count": 48210, "tier": "gold", "ok": True, "none": None, "email": "gold",
        "customerName": "gold", "rows": [1, 2], "nested": {"a": 1}, "endless": float("inf"), "Ada": 1})  # fmt: skip

    assert shown == {
        "score": 0.73, "count": 48000, "tier": "gold", "ok": True, "none": None, "email": MARK, "customerName": MARK,
        "rows": f"{MARK} (2 items)", "nested": f"{MARK} (1 items)", "endless": None, MARK: MARK}  # fmt: skip
    assert masked == 6


def test_no_more_than_twenty_fields_are_kept() -> None:
    shown, masked = PLAIN.fields({"row" + "s" * at: at for at in range(25)})

    assert len(shown) <= 20
    assert masked >= 5


@pytest.mark.parametrize(("number", "kept"), [
    (0, 0), (7, 7), (99, 99), (123, 120), (5550100199, 5600000000), (-1842, -1800), (0.0012345, 0.0012), (1e300, 1e300),
])  # fmt: skip
def test_numbers_keep_two_digits(number: float, kept: float) -> None:
    assert rounded(number) == kept


@given(st.text(max_size=80), st.integers(10**6, 10**18))
def test_whatever_stands_around_it_no_long_number_passes(around: str, number: int) -> None:
    assert str(number) not in PLAIN.text(around + str(number)).text


@given(st.text())
def test_any_text_is_redacted_to_bounded_text(text: str) -> None:
    assert len(PLAIN.text(text).text) <= MAX_TEXT_CHARS


def test_a_hash_needs_its_key() -> None:
    hashed = keyed_hash(b"k" * 32, "c-1")

    assert hashed == keyed_hash(b"k" * 32, "c-1")
    assert hashed != keyed_hash(b"j" * 32, "c-1")
    assert hashlib.sha256(b"c-1").hexdigest() not in hashed


def test_only_literals_of_calls_that_log_or_raise_are_the_plugins_words() -> None:
    source = """
PEOPLE = ["Lovelace", "Turing"]
def handle(ctx, who):
    ctx.log.info("frobnicated row", tierlevel=1)
    ctx.log.info(PEOPLE[0])
    ctx.log.warning(f"glorp for {who['Hopper']}")
    print("blarg")
    raise ValueError("snafu")
"""
    assert log_words([source, "def broken("]) == [
        "blarg", "for", "frobnicated", "glorp", "row", "snafu", "tierlevel"]
