"""What passes redaction, and that nothing else does."""

from __future__ import annotations

import hashlib
import hmac

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
    assert redactor.text("frobnicatedTimeout").text == "frobnicatedTimeout"
    assert PLAIN.text("frobnicated").text == MARK


def test_a_capital_inside_of_a_sentence_is_a_name_until_known() -> None:
    assert PLAIN.text("agent Will Read called").text == f"agent {MARK} called"
    assert PLAIN.text("Will read. Then write").text == "Will read. Then write"


def test_digits_that_follow_each_other_are_one_number() -> None:
    assert PLAIN.text("1 2 3 4").text == MARK
    assert PLAIN.text("12-34").text == MARK


UNITS = [
    "ms", "s", "sec", "seconds", "minutes", "hours", "days", "kb", "mb", "gb", "bytes", "chars", "percent", "items",
    "rows", "px"]
LABELS = [
    "status", "code", "line", "http", "errno", "version", "generation", "level", "step", "attempt", "column"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_number_with_a_unit_may_have_five_digits(unit: str) -> None:
    redactor = Redactor(frozenset(UNITS))

    assert redactor.text(f"took 12345 {unit}") == (f"took 12345 {unit}", 0)
    assert redactor.text(f"took 1234.5{unit}") == (f"took 1234.5{unit}", 0)
    assert redactor.text(f"took 123456 {unit}") == (f"took {MARK} {unit}", 1)


@pytest.mark.parametrize("label", LABELS)
def test_a_number_with_a_label_may_have_three_digits(label: str) -> None:
    redactor = Redactor(frozenset(LABELS))

    for text in (f"{label} 123", f"{label}: 123", f"{label}=123", f"{label.upper()} 123"):
        assert redactor.text(text) == (text, 0)
    assert redactor.text(f"{label} 1234") == (f"{label} {MARK}", 1)


@pytest.mark.parametrize(("text", "shown"), [
    ("12", "12"), ("123", MARK), ("1.23", "1.23"), ("12.34", MARK), ("tier 123", f"tier {MARK}"),
    ("123 tier", f"{MARK} tier"), ("1..2", MARK), ("-12", "-12"), ("1_2", MARK), ("123 status", f"{MARK} status"),
    ("12, 34", f"{MARK}, {MARK}"), ("12 , 34", f"{MARK} , {MARK}"), (" 12 ", " 12 "), ("ms 12345", f"ms {MARK}"),
    ("status12 12345", MARK), ("12 tier 5", "12 tier 5"),
    ("(12)", "(12)"), ("١٢", MARK), ("12 - 34", f"{MARK} - {MARK}"), ("12 retry 34", "12 retry 34")])
def test_a_number_alone_may_have_two_digits_or_three_with_a_point(text: str, shown: str) -> None:
    assert PLAIN.text(text).text == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("hunter2", "[redacted]"), ("tier=hunter", "tier=[redacted]"), ("retry 7X", "retry [redacted]"),
    ("retry\n5\ttimes", "retry 5 times"), ("Lovelace Turing Hopper", "[redacted]"),
    ("Lovelace retry Turing", "[redacted] retry [redacted]"), ("Lovelace", "[redacted]"), (" Lovelace", " [redacted]"),
    ("retry Lovelace Turing 5", "retry [redacted] 5"), ("Lovelace=Turing", "[redacted]=[redacted]"),
    ("retry@tier", "[redacted]"), ("retry\\tier", "[redacted]"), ("retry/tier", "retry/tier"), ("", "")])
def test_one_mark_stands_for_a_run_of_pieces_and_a_piece_is_masked_whole(text: str, shown: str) -> None:
    assert PLAIN.text(text).text == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("Retry", "Retry"), ("tier. Retry", "tier. Retry"), ("tier.Retry", "tier.Retry"),
    ("tier: Retry", "tier: Retry"), ("tier! Retry", "tier! Retry"),
    ("tier? Retry", "tier? Retry"), ("  Retry", " Retry"), ("tier Retry", f"tier {MARK}"),
    ("tier, Retry", f"tier, {MARK}"), ("tier A", f"tier {MARK}"), ("tier OK", "tier OK"), ("A", "A"),
    ("tier RETRY", "tier RETRY"), ("tier retryTimeout", "tier retryTimeout"), ("tier retryLovelace", f"tier {MARK}")])
def test_a_capital_passes_where_a_sentence_begins(text: str, shown: str) -> None:
    assert PLAIN.text(text).text == shown


def test_a_text_is_shown_up_to_its_bounds_exactly() -> None:
    assert PLAIN.text("word " * 60) == ("word " * 60, 0), "300 characters"
    assert PLAIN.text("word " * 60 + ".") == (("word " * 60)[:299] + "…", 0)
    assert PLAIN.text("word " * 800).masked == 0, "4000 characters are read"
    assert PLAIN.text("word " * 800 + ".").masked == 1


def test_each_piece_that_is_masked_is_counted() -> None:
    assert PLAIN.text("Lovelace Turing").masked == 2
    assert PLAIN.text("word " * 799 + "hunter2 Lovelace").masked == 2, "the piece that was cut, and all that was unread"


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
    names = ["f" + "o" * at for at in range(21)]
    redactor = Redactor(frozenset(names))

    assert redactor.fields(dict.fromkeys(names[:20], 1)) == (dict.fromkeys(names[:20], 1), 0)
    assert redactor.fields(dict.fromkeys(names, 1)) == (dict.fromkeys(names[:20], 1), 1)


def test_a_fields_name_has_64_characters_at_most() -> None:
    redactor = Redactor(frozenset({"f" * 64, "g" * 65}))

    assert redactor.fields({"f" * 64: 1, "g" * 65: 1, "tier\nrow": 1}) == (
        {"f" * 64: 1, "g" * 63 + "…": 1, "tier row": 1}, 0)


@pytest.mark.parametrize("name", [
    "plugin_name", "handler_name", "field_name", "rule_name", "file_name", "filename", "FILE_NAME"])
def test_names_of_things_are_no_names_of_persons(name: str) -> None:
    redactor = Redactor(frozenset({"plugin", "handler", "field", "rule", "file", "filename", "name", "user"}))

    assert redactor.fields({name: "gold", "user_name": "gold"}) == ({name: "gold", "user_name": MARK}, 1)


@pytest.mark.parametrize("name", [
    "ip", "clientIp", "client-ip", "api_token", "PASSWORD", "zip_code", "ssn", "s_s_n", "s-s-n"])
def test_a_field_with_a_secrets_name_shows_nothing(name: str) -> None:
    words = frozenset({"ip", "client", "api", "token", "password", "zip", "code", "ssn", "s", "n"})

    assert Redactor(words).fields({name: 7, "tier": 7}) == ({name: MARK, "tier": 7}, 1)
    for said in (True, False, None):
        shown, masked = Redactor(words).fields({name: said})
        assert (shown[name], masked) == (said, 0), "whether there is one may be told"


@pytest.mark.parametrize(("value", "shown", "masked"), [
    (True, True, 0), (False, False, 0), (None, None, 0), ([], f"{MARK} (0 items)", 1), ({}, f"{MARK} (0 items)", 1),
    (b"gold", MARK, 1), (object(), MARK, 1), (("gold",), MARK, 1), ("gold Lovelace", f"gold {MARK}", 1)])
def test_a_field_shows_what_its_kind_lets_it(value: object, shown: object, masked: int) -> None:
    assert PLAIN.fields({"tier": value}) == ({"tier": shown}, masked)


@pytest.mark.parametrize(("number", "kept"), [
    (0, 0), (7, 7), (99, 99), (123, 120), (5550100199, 5600000000), (-1842, -1800), (0.0012345, 0.0012), (1e300, 1e300),
])  # fmt: skip
def test_numbers_keep_two_digits(number: float, kept: float) -> None:
    assert rounded(number) == kept
    assert isinstance(rounded(number), int) == isinstance(kept, int)


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
    assert hashed == "hmac-sha256:" + hmac.new(b"k" * 32, b"c-1", "sha256").hexdigest()
    assert keyed_hash(b"k", "\ud800") == "hmac-sha256:" + hmac.new(b"k", b"\xed\xa0\x80", "sha256").hexdigest()
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
