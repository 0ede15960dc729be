"""Unit tests of the plugin, as its vendor would write them: tables of what must be found, and of what must not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pysandbox.plugin import AbortError
from pysandbox.testing import FakeContext, PluginFolder, load_plugin

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def plugin() -> PluginFolder:
    return load_plugin(HERE)


def found(plugin: PluginFolder, text: str, kind: str) -> list[str]:
    """What was found of one kind, with all detectors at work."""
    findings = plugin.invoke("redact", {"text": text})["findings"]
    return [text[f["start"]:f["end"]] for f in findings if f["kind"] == kind]


@pytest.mark.parametrize(("text", "expected"), [
    ("mia@example.com", ["mia@example.com"]),
    ("Write to mia.keller+shop@mail.example.co.uk.", ["mia.keller+shop@mail.example.co.uk"]),
    ("(mia@example.com), thanks", ["mia@example.com"]),
    ("<mailto:mia@example.com>", ["mia@example.com"]),
    ("'mia@example.com'", ["mia@example.com"]),
    ("o'brien_7@ex-ample.org!", ["o'brien_7@ex-ample.org"]),
    ("müller@bücher.example", ["müller@bücher.example"]),
    ("a@b.io;c@d.io,e@f.io", ["a@b.io", "c@d.io", "e@f.io"]),
    ("mia@example.xn--p1ai 😊", ["mia@example.xn--p1ai"]),
    ("https://shop.example/?email=mia@example.com&x=1", ["mia@example.com"]),
    ("mia@example.com-thanks", ["mia@example.com"]),
    ("mia@example.com...sorry", ["mia@example.com"]),
    ("@@mia@example.com@", ["mia@example.com"]),
    ("4111111111111111@example.com", ["4111111111111111@example.com"]),
])
def test_email_addresses_are_found_whole_and_alone(plugin: PluginFolder, text: str, expected: list[str]) -> None:
    assert found(plugin, text, "email") == expected


@pytest.mark.parametrize("text", [
    "@support please help", "mia@", "mia@localhost", "2 apples @3.50 each", "a@b.c", "mia@-example.com",
    "mia@example..com", "mia @ example.com", "user@127.0.0.1", "mia@.com", "at@", "@", "",
])
def test_what_only_looks_like_an_email_address_is_left(plugin: PluginFolder, text: str) -> None:
    assert found(plugin, text, "email") == []


@pytest.mark.parametrize(("text", "expected"), [
    ("+44 20 7946 0958", ["+44 20 7946 0958"]),
    ("+442079460958", ["+442079460958"]),
    ("+44 (0)20 7946 0958", ["+44 (0)20 7946 0958"]),
    ("+44 020 7946 0958", ["+44 020 7946 0958"]),
    ("(+44) 20 7946 0958", ["(+44) 20 7946 0958"]),
    ("0044 20 7946 0958", ["0044 20 7946 0958"]),
    ("+1 (415) 555-0132.", ["+1 (415) 555-0132"]),
    ("+1-212-555-0132", ["+1-212-555-0132"]),
    ("tel:+49-30-1234567", ["+49-30-1234567"]),
    ("+49 (0) 171/1234567", ["+49 (0) 171/1234567"]),
    ("+353 1 234 5678", ["+353 1 234 5678"]),
    ("+39 06 1234 5678", ["+39 06 1234 5678"]),
    ("call 020 7946 0958 now", ["020 7946 0958"]),
    ("my number is 07700 900123", ["07700 900123"]),
    ("07700900123", ["07700900123"]),
    ("06 12 34 56 78", ["06 12 34 56 78"]),
    ("01.42.68.53.00", ["01.42.68.53.00"]),
    ("030/1234567", ["030/1234567"]),
    ("0171-1234567", ["0171-1234567"]),
    ("030 1234567-12", ["030 1234567-12"]),
    ("(020) 7946 0958", ["(020) 7946 0958"]),
    ("(415) 555-2671", ["(415) 555-2671"]),
    ("415.555.2671", ["415.555.2671"]),
    ("1-800-555-2671", ["1-800-555-2671"]),
    ("text me at 4155552671", ["4155552671"]),
    ("call (020 7946 0958)", ["020 7946 0958"]),
    ("020\u00a07946\u00a00958", ["020\u00a07946\u00a00958"]),
    ("020 7946 0958/020 7946 0959", ["020 7946 0958", "020 7946 0959"]),
    ("020 7946 0958, 07700 900123", ["020 7946 0958", "07700 900123"]),
    ("020 7946 0958 2 times", ["020 7946 0958"]),
    ("+44 20 7946 0958 100 times", ["+44 20 7946 0958"]),
    ("(020 7946 0958) 3 times", ["020 7946 0958"]),
    ("order 4711 020 7946 0958", ["020 7946 0958"]),
    ("on 2024-05-31 020 7946 0958", ["020 7946 0958"]),
    ("at 08:30 020 7946 0958", ["020 7946 0958"]),
    ("on 05/06/24 020 7946 0958", ["020 7946 0958"]),
    ("My order is late, 020 7946 0958", ["020 7946 0958"]),
    ("order 4711. Call 020 7946 0958. 3 people waited", ["020 7946 0958"]),
])
def test_phone_numbers_are_found_whole_and_alone(plugin: PluginFolder, text: str, expected: list[str]) -> None:
    assert found(plugin, text, "phone") == expected


@pytest.mark.parametrize("text", [
    "order 4711-0815", "it is #07700 900123", "0123456789 €", "0123456789.50", "order no. 0171 1234567",
    "Order #07700900123", "invoice number: 020 7946 0958", "tracking id 0123456789", "Kundennummer 030 1234567",
    "ticket 415-555-2671", "2024-05-31", "31.05.2024", "05.06.2024 12:30", "01/02/2024", "2024-05-31T14:32:11",
    "12:30:45", "£1,234,567.89", "1.234.567,89 €", "0.123456789", "0.0123456789", "3.14159265358979",
    "192.168.100.200", "10.0.0.1", "v1.2.3", "4155552671", "123 456 7890", "415 155 2671", "1234567890123456789",
    "A0171234567", "0171234567X", "+10 000 000 people came", "+20 000 000", "+20 001 000 000", "+5 points",
    "1 + 1 = 2", "+899 999 9999", "2024-0171-1234567", "00000000000", "000 123 456 789", "100 200 300", "98765",
    "ISBN 0-306-40615-2", "1600x1200", "25 000 000", "4111 1111 1111 1112",
])
def test_orders_dates_amounts_and_other_numbers_are_no_phone_numbers(plugin: PluginFolder, text: str) -> None:
    assert found(plugin, text, "phone") == []


@pytest.mark.parametrize("number", [
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4222222222222", "5555 5555 5555 4444",
    "2223003122003222", "378282246310005", "3782 822463 10005", "3056 930902 5904", "6011 1111 1111 1117",
    "3530111333300000", "6200 0000 0000 0005", "6304 0000 0000 0000", "5018 0000 0009",
    "4111\u00a01111\u00a01111\u00a01111", "4111.1111.1111.1111",
])
def test_cards_of_each_network_are_found_however_they_are_grouped(plugin: PluginFolder, number: str) -> None:
    for text in (number, f"I paid with {number}.", f"card: {number} 12/27", f"order 4711 {number}, thanks"):
        assert found(plugin, text, "card") == [number], text


@pytest.mark.parametrize("text", [
    "4111 1111 1111 1112",  # Luhn
    "9111111111111119",  # Luhn holds, no such network
    "411111111111111",  # a Visa number has no 15 digits
    "41111111111111110000",  # part of something longer
    "4111 1111 11 111111",  # nobody groups a card so
    "4111, 1111, 1111, 1111", "X4111111111111111", "4111111111111111th", "0000 0000 0000 0000", "1234567812345670",
])
def test_numbers_that_are_no_card_are_not_called_one(plugin: PluginFolder, text: str) -> None:
    assert found(plugin, text, "card") == []


@pytest.mark.parametrize("iban", [
    "GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32", "gb82 west 1234 5698 7654 32",
    "DE89 3704 0044 0532 0130 00", "FR14 2004 1010 0505 0001 3M02 606", "NL91ABNA0417164300", "NO93 8601 1117 947",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S", "CH93-0076-2011-6238-5295-7", "ES9121000418450200051332",
])
def test_ibans_are_found_to_their_last_sign_and_not_further(plugin: PluginFolder, iban: str) -> None:
    for text in (iban, f"IBAN:{iban}.", f"refund to {iban} today", f"{iban} 1234", f"to {iban}, or {iban}"):
        assert set(found(plugin, text, "iban")) == {iban}, text
        assert plugin.invoke("redact", {"text": text})["counts"]["phone"] == 0


@pytest.mark.parametrize("text", [
    "GB82 WEST 1234 5698 7654 33", "GB82 WEST 1234 5698 7654 3", "GB82 WEST 1234 5698 7654 320",
    "ZZ82 WEST 1234 5698 7654 32", "XGB82WEST12345698765432", "GB82  WEST 1234 5698 7654 32", "DE89", "GB00", "IBAN",
])
def test_what_breaks_an_ibans_rules_is_none(plugin: PluginFolder, text: str) -> None:
    assert found(plugin, text, "iban") == []


def test_the_sample_message_is_masked_and_the_order_number_and_date_stay(plugin: PluginFolder) -> None:
    payload = json.loads((HERE / "input.json").read_text("utf-8"))
    result = plugin.invoke("redact", payload)
    assert result["text"] == (
        "Hi, it's Mia Keller 😊 order 4711-0815 is late. Write to [email] or call [phone] (mobile [phone]). "
        "I paid with [card]; please refund to [iban] by 2024-05-31.")
    assert result["counts"] == {"email": 1, "iban": 1, "card": 1, "phone": 2}


def test_positions_are_code_points_in_order_and_never_overlap(plugin: PluginFolder) -> None:
    text = "😊👨‍👩‍👧 é mia@example.com 4111111111111111@example.com +44 20 7946 0958 4111 1111 1111 1111"
    result = plugin.invoke("redact", {"text": text})
    assert [(f["kind"], text[f["start"]:f["end"]]) for f in result["findings"]] == [
        ("email", "mia@example.com"), ("email", "4111111111111111@example.com"), ("phone", "+44 20 7946 0958"),
        ("card", "4111 1111 1111 1111")]
    ends = [0, *(f["end"] for f in result["findings"])]
    assert all(f["start"] >= end for f, end in zip(result["findings"], ends, strict=False))


def test_previews_show_no_more_than_their_owner_needs(plugin: PluginFolder) -> None:
    text = "mia@example.com 4111 1111 1111 1111 +44 20 7946 0958 GB82 WEST 1234 5698 7654 32"
    previews = {f["kind"]: f["preview"] for f in plugin.invoke("redact", {"text": text})["findings"]}
    assert previews == {"email": "m•••@•••.com", "card": "•••1111", "phone": "•••58", "iban": "GB•••5432"}


def test_neither_result_nor_log_holds_what_was_found(plugin: PluginFolder) -> None:
    ctx = plugin.context()
    text = "mia@example.com 4111 1111 1111 1111 +44 20 7946 0958 GB82 WEST 1234 5698 7654 32"
    said = json.dumps([plugin.invoke("redact", {"text": text}, ctx), ctx.log.lines, ctx.progressed, ctx.events])
    for secret in ("mia", "example", "7946", "WEST", "5698", "4111 1111"):
        assert secret not in said


def test_only_the_kinds_that_are_asked_for_are_masked(plugin: PluginFolder) -> None:
    result = plugin.invoke("redact", {"text": "mia@example.com +44 20 7946 0958", "kinds": ["phone"]})
    assert result["text"] == "mia@example.com [phone]"
    assert result["counts"] == {"phone": 1}


def test_masking_again_finds_nothing_more(plugin: PluginFolder) -> None:
    payload = json.loads((HERE / "input.json").read_text("utf-8"))
    once = plugin.invoke("redact", payload)["text"]
    assert plugin.invoke("redact", {"text": once})["findings"] == []


@pytest.mark.parametrize(("payload", "complaint"), [
    (None, '"text", a string'), ({}, '"text", a string'), ({"text": 5}, '"text", a string'),
    ({"text": "x" * 20_001}, "20001 characters; 20000 is the most"),
    ({"text": "x", "kinds": []}, "some of email, iban, card, phone"),
    ({"text": "x", "kinds": "email"}, "some of email"),
    ({"text": "x", "kinds": ["ssn"]}, "some of email"),
])
def test_a_payload_of_another_shape_is_refused(plugin: PluginFolder, payload: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        plugin.invoke("redact", payload)


def test_an_abort_ends_the_work_before_the_next_detector(plugin: PluginFolder) -> None:
    ctx = plugin.context()
    ctx.abort()
    with pytest.raises(AbortError):
        plugin.invoke("redact", {"text": "mia@example.com"}, ctx)


@pytest.mark.parametrize("unit", [
    "a", "@", "a@", "a.", "a@a.", "x@x.x-", "1", "1 ", "0 ", "4 ", "1-", "1.", "1(", "(", "-", "- ", "+", "+1 ", ") ",
    "1) ", "00 ", "020 ", "415 ", "4111 ", "4111111111111111 ", "GB82", "GB82 ", "GB82WEST1234569876543", "1a",
    "order ", "no ", "call ", "order no 1 ", "order #",
])
def test_time_grows_with_the_length_and_no_faster(plugin: PluginFolder, unit: str) -> None:
    def seconds(chars: int) -> float:
        text = (unit * chars)[:chars]
        took: list[float] = []
        for _ in range(2):
            began = time.process_time()
            plugin.invoke("redact", {"text": text}, FakeContext())
            took.append(time.process_time() - began)
        return min(took)

    small, large = seconds(2_500), seconds(20_000)
    assert large < 0.02 + 20 * small  # 8 times the text; were it quadratic, it would be 64 times the work
