"""Whatever an upstream answers: masked or refused, never an exception, never the masked value.

`corpus/bodies.json` holds pairs of content type and body; mutations start from there.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.inspection import Finding, Sizes, inspect, inspect_answer
from pysandbox.gateway.proxy.masking import MASK, canonical_name, mask_body
from pysandbox.gateway.proxy.media import MediaKind, kind_of
from pysandbox.gateway.proxy.redaction import MARK, forms
from tests.fuzz.corpus import examples

FIELDS = ("ssn", "credit_card", "account_number")
NEEDLE = "N33DLE"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
CORPUS: list[tuple[str, str]] = [(kind, body) for kind, body in examples("bodies")]
TYPES = st.sampled_from([
    *sorted({kind for kind, _ in CORPUS}), "application/json;charset=x", "multipart/form-data; boundary=x"])
PIECES = st.sampled_from([
    b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"\\u0073", b"\xef\xbb\xbf", b"\xff", b"\0", b"\n", b"\r", b"&",
    b";", b"=", b"%73", b"+", b'"ssn":', b'"a":"{', b"1e999", b"9" * 400, b"[" * 40, b"]" * 40, b"<", b"null", b" "])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """One of the corpus, cut and spliced."""
    body = draw(st.sampled_from(CORPUS))[1].encode()
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
        piece = draw(PIECES | st.binary(max_size=4) | st.just(body[start:end]))
        body = body[:start] + piece + body[draw(st.sampled_from([start, end])):]
    return body


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = TEXT | st.sampled_from(["a", "score", "name", "value", "ssns", "__proto__"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
SPELLINGS = st.sampled_from([
    "ssn", "SSN", "s_s_n", "ｓｓｎ", "credit_card", "creditCard", "CREDIT CARD", "account-number", "accountNumber",
    "customer.ssn", "a[ssn]", "ss\u200bn"])


@st.composite
def hidden(draw: st.DrawFn) -> Any:
    """A value with the needle in it, under a masked field, in arrays, objects and JSON in strings."""
    value: Any = {draw(SPELLINGS): draw(st.sampled_from([NEEDLE, [NEEDLE], {"a": NEEDLE}, f"x{NEEDLE}"]))}
    strings = 0
    for _ in range(draw(st.integers(0, 6))):
        wrap = draw(st.sampled_from(["array", "object", "string"]))
        if wrap == "array":
            value = [draw(LEAVES), value]
        elif wrap == "object":
            value = {draw(KEYS.filter(lambda key: key not in {"a", "name"})): value, "a": draw(LEAVES)}
        elif strings < 3:
            value = draw(st.sampled_from(["", " ", "\n\t"])) + json.dumps(value, ensure_ascii=draw(st.booleans()))
            strings += 1
    return value


def spelled(draw: st.DrawFn, text: str) -> str:
    """JSON text with some of its letters escaped, which changes nothing about what it says."""
    at = draw(st.sets(st.integers(0, max(len(text) - 1, 0)), max_size=8))
    safe = [i for i in at if text[i].isalpha() and "\\" not in text[max(0, i - 6):i] and inside_string(text, i)]
    return "".join(f"\\u{ord(sign):04x}" if i in safe and ord(sign) < 0x10000 else sign for i, sign in enumerate(text))


def inside_string(text: str, at: int) -> bool:
    return text[:at].replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1


def attempt(content_type: str, body: bytes, **more: Any) -> bytes | None:
    try:
        return mask_body(content_type, body, FIELDS, **more)
    except SandboxError as error:
        refusal = error
    assert refusal.code == Code.UPSTREAM_REFUSED
    assert NEEDLE not in str(refusal)
    return None


@pytest.mark.parametrize(("content_type", "body"), CORPUS)
def test_nothing_of_the_corpus_shows_the_needle(content_type: str, body: str) -> None:
    assert NEEDLE.encode() not in (attempt(content_type, body.encode()) or b"")


BODIES = bodies() | st.binary(max_size=200)


@given(TYPES | st.text(max_size=40), BODIES, st.sampled_from(["refuse", "pass"]))
def test_any_body_is_masked_or_refused(content_type: str, body: bytes, non_json: str) -> None:
    shown = attempt(content_type, body, non_json=non_json, redact=forms(["s3cret/+\""]))
    if shown and kind_of(content_type) == MediaKind.JSON:
        json.loads(shown)


@given(TYPES, bodies())
def test_masking_twice_is_masking_once(content_type: str, body: bytes) -> None:
    once = attempt(content_type, body)
    if once is not None:
        assert attempt(content_type, once) == once


@given(hidden(), st.data())
def test_no_spelling_shows_a_masked_value(value: Any, data: st.DataObject) -> None:
    text = spelled(data.draw, json.dumps(value, ensure_ascii=data.draw(st.booleans())))
    assert json.loads(text) == value, "the control: it is the same JSON"
    shown = mask_body(JSON, text.encode(), FIELDS)
    assert NEEDLE.encode() not in shown
    assert MASK.encode() in shown


@given(VALUES, hidden())
def test_a_repeated_key_shows_neither_of_its_values(first: Any, second: Any) -> None:
    for pair in ((first, second), (second, first)):
        text = '{"twice":' + json.dumps(pair[0]) + ',"twice":' + json.dumps(pair[1]) + "}"
        assert NEEDLE.encode() not in (attempt(JSON, text.encode()) or b"")


SIGNS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=6)
WORDS = st.sampled_from([
    "ssn", "SSN", "s_s_n", "s.sn", "a.ssn", ":ssn", "ssn:", "card", "creditcard", "credit_card", "name", "value", "1",
    "null", "e", ":1,", "[1, 2]", "{}", "", "-"]) | SIGNS
PLAIN_LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from([0.5, 1e300, -2.5e-9]) | WORDS
PLAIN = st.recursive(
    PLAIN_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(WORDS, inner), max_size=4).map(tuple))


def written(value: Any, comma: str, colon: str) -> str:
    """JSON text. A tuple is an object whose keys may stand twice."""
    if isinstance(value, tuple):
        return "{" + comma.join(f"{json.dumps(key)}{colon}{written(part, comma, colon)}" for key, part in value) + "}"
    if isinstance(value, list):
        return "[" + comma.join(written(part, comma, colon) for part in value) + "]"
    return json.dumps(value)


def told(value: Any) -> Any:
    """What a text says; JSON in a string says the same however it is spaced."""
    if isinstance(value, dict):
        return {key: told(part) for key, part in value.items()}
    if isinstance(value, list):
        return [told(part) for part in value]
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return "JSON", json.loads(value)
        except ValueError:
            return value
    return value


@given(
    st.one_of(st.builds(written, PLAIN, st.sampled_from([",", ", ", " ,\n"]), st.sampled_from([":", ": ", " :"])),
              bodies().filter(lambda body: body.isascii() and body.strip()).map(bytes.decode)),
    st.sampled_from([FIELDS, ("card",), ("ssn", "1", "null"), ("e", "name"), ("-", "a")]))
def test_plain_text_is_masked_as_if_it_were_read(text: str, fields: tuple[str, ...]) -> None:
    """The byte order mark changes nothing but that the body is no plain text any more."""
    shown: list[Any] = []
    for body in (text, "\ufeff" + text):
        try:
            shown.append(told(json.loads(mask_body(JSON, body.encode(), fields) or b'""')))
        except SandboxError as error:
            shown.append(error.code)
    assert shown[0] == shown[1]


def innocent(value: Any) -> bool:
    """Whether nothing in ``value`` could be taken for a masked field, or for JSON."""
    if isinstance(value, dict):
        return all(innocent(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(innocent, value))
    if not isinstance(value, str):
        return True
    named = any(canonical_name(field) in canonical_name(value) for field in FIELDS)
    return value.lstrip()[:1] not in {"{", "[", '"', "\ufeff"} and not named


@given(VALUES.filter(innocent))
def test_what_is_not_masked_stays_as_it_is(value: Any) -> None:
    shown = mask_body(JSON, json.dumps(value).encode(), FIELDS)
    assert json.loads(shown or b'""') == (value if shown else "")


@given(SPELLINGS, st.lists(st.tuples(TEXT, TEXT), max_size=4), st.data())
def test_no_spelling_of_a_form_shows_a_masked_value(
        name: str, more: list[tuple[str, str]], data: st.DataObject) -> None:
    writer = data.draw(st.sampled_from([quote, quote_plus]))
    pairs = [f"{writer(key)}={writer(value)}" for key, value in more]
    pairs.insert(data.draw(st.integers(0, len(pairs))), f"{writer(name)}={NEEDLE}")
    shown = mask_body(FORM, data.draw(st.sampled_from("&;")).join(pairs).encode(), FIELDS)
    assert NEEDLE.encode() not in shown


CREDENTIALS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=24)


@given(CREDENTIALS, VALUES, st.data())
def test_an_echoed_credential_is_found_wherever_it_stands(credential: str, around: Any, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from([
        {"echo": credential}, {credential: 1}, [f"Bearer {credential}"], {"a": json.dumps({"e": credential})}]))
    text = spelled(data.draw, json.dumps([around, value]))
    shown = attempt(JSON, text.encode(), redact=forms([credential]))
    if shown is not None:
        assert MARK in shown
        assert not any(form in shown for form in forms([credential])), "in no form that is looked for"
        json.loads(shown)


@given(TYPES | st.text(max_size=40), BODIES, st.text(max_size=60))
def test_inspection_answers_for_any_request(content_type: str, body: bytes, query: str) -> None:
    found = inspect(method="POST", query=query, content_type=content_type, body=body)
    found += inspect_answer(content_type=content_type, body=body)
    assert all(isinstance(finding, Finding) for finding in found)
    assert len(set(found)) == len(found)


@given(st.lists(st.integers(0, 2**40), max_size=60), st.integers(0, 2**40))
def test_a_size_is_unusual_only_beside_a_history_of_smaller_ones(sizes: list[int], size: int) -> None:
    history = Sizes()
    for seen in sizes:
        history.add(seen)
    if history.unusual(size):
        assert len(sizes) >= 30
        assert size > min(sizes)
