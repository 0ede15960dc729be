"""Sealing and opening: the exact text, and every reason for which a text is not opened."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence, Sized
from typing import Any

import pytest

from pysandbox.core.envelope import (
    CID,
    KEY_BYTES,
    KINDS,
    METHOD,
    PROTOCOL_VERSION,
    TO_HOST,
    TO_PLUGIN,
    Binding,
    Envelope,
    Opener,
    Sealer,
)
from pysandbox.core.errors import Code, ProtocolViolation

BINDING = Binding("com.example.lab", "0123456789abcdef" * 2, 3, bytes(range(16)), "https://sandbox.example")


def sealer(direction: str = TO_HOST, origin: str = "null", **other: Any) -> Sealer:
    return Sealer(BINDING._replace(**other), direction, origin)


def opener(max_chars: int = 4096) -> Opener:
    return Opener(BINDING, TO_HOST, "null", max_chars=max_chars)


def rule_of(text: str, buffers: Sequence[Sized] = (), at: Opener | None = None) -> tuple[str, Code]:
    with pytest.raises(ProtocolViolation) as raised:
        (at or opener()).open(text, buffers)
    return raised.value.rule, raised.value.code


def sealed(rest: str, seq: int = 0) -> str:
    """A text whose nonce is right, whatever it says: what a hostile plugin can make."""
    return f'{{"nonce":"{sealer().nonce(seq, rest.encode())}",{rest}'


GOOD = sealer().seal("log", "7", "c", "null")


def test_the_nonce_is_the_documented_hmac() -> None:
    """Written out by hand from the protocol, so that another implementation could be."""
    rest = GOOD[GOOD.index('"v":') :]
    parts = ["1", "com.example.lab", "0123456789abcdef" * 2, "3", "plugin>host", "0"]
    message = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    message += hashlib.sha256(rest.encode()).digest()
    expected = hmac.new(bytes(range(16)), message, "sha256").hexdigest()
    assert GOOD[10:74] == expected


def test_test_vector() -> None:
    """The vector of the documentation; it changes only with the protocol's version."""
    writer = sealer(TO_PLUGIN, BINDING.origin)
    assert writer.seal("call", "1", "cid-1", '{"a":"é"}', method="evaluate", deadline_ms=250) == (
        '{"nonce":"480992e6c8685926f96df04b2146c12647c9a0e2ff15c4c6184d760faf2e7a93","v":1,'
        '"sid":"0123456789abcdef0123456789abcdef","gen":3,"seq":0,"origin":"https://sandbox.example","kind":"call",'
        '"id":"1","cid":"cid-1","method":"evaluate","deadlineMs":250,"payload":{"a":"é"}}')


def test_what_is_not_given_is_neither_written_nor_read() -> None:
    assert GOOD.endswith('"seq":0,"origin":"null","kind":"log","id":"7","cid":"c","payload":null}')
    bare = Envelope("log", "7", "c", "null")
    assert bare == ("log", "7", "c", "null", "", 0, (0, 0), ())
    assert opener().open(GOOD) == bare


def test_a_key_has_128_bits() -> None:
    assert KEY_BYTES * 8 == 128


@pytest.mark.parametrize("name", [
    "", "a", "a.b:c-d_E9", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "a b", "é", '"', "a\n"])
def test_a_name_is_known_to_fit_before_it_is_sealed(name: str) -> None:
    def opens(**names: str) -> bool:
        fields = {"cid": "", "method": "m"} | names
        try:
            return opener().open(sealer().seal("log", "", fields["cid"], "0", method=fields["method"])) is not None
        except ProtocolViolation:
            return False

    assert (CID.fullmatch(name) is not None) == opens(cid=name)
    assert (METHOD.fullmatch(name) is not None) == (opens(method=name) and name != "")


@pytest.mark.parametrize(("envelope"), [
    Envelope("ready", "", "", "null"),
    Envelope("result", "12", "a.b:c-d_e", '{"x":[1,2]}', memory=(5, 6)),
    Envelope("call", "1", "", '"é\u2028\U0001f600"', method="webchat:session:read", deadline_ms=999_999_999),
    Envelope("load", "load", "", "{}", deadline_ms=5, buffers=(range(0), range(16_777_216))),
])  # fmt: skip
def test_what_is_sealed_opens_as_it_was(envelope: Envelope) -> None:
    text = sealer().seal(
        envelope.kind, envelope.id, envelope.cid, envelope.payload, method=envelope.method,
        deadline_ms=envelope.deadline_ms, memory=envelope.memory if any(envelope.memory) else None,
        buffers=[len(buffer) for buffer in envelope.buffers])  # fmt: skip
    assert opener().open(text, envelope.buffers) == envelope


def test_numbers_grow_by_one_and_nonces_never_repeat() -> None:
    writer, reader = sealer(), opener()
    texts = [writer.seal("log", "", "", "0") for _ in range(20)]
    assert all(reader.open(text) for text in texts)
    assert len({text[10:74] for text in texts}) == 20


REST = '"v":1,"sid":"0123456789abcdef0123456789abcdef","gen":3,"seq":0,"origin":"null","kind":"log","id":"","cid":""'
REJECTED = {
    "empty": ("", "malformed"),
    "no JSON": ("hello", "malformed"),
    "no payload": (sealed(REST + "}"), "malformed"),
    "not closed": (GOOD[:-1], "malformed"),
    "field twice": (sealed(REST + ',"cid":"","payload":1}'), "malformed"),
    "unknown field": (sealed(REST + ',"x":1,"payload":1}'), "malformed"),
    "another order": (sealed(REST.replace('"id":"","cid":""', '"cid":"","id":""') + ',"payload":1}'), "malformed"),
    "string for a number": (sealed(REST.replace('"gen":3', '"gen":"3"') + ',"payload":1}'), "malformed"),
    "negative number": (sealed(REST.replace('"gen":3', '"gen":-3') + ',"payload":1}'), "malformed"),
    "endless number": (sealed(REST.replace('"seq":0', f'"seq":{"0" * 99}') + ',"payload":1}'), "malformed"),
    "other digits": (sealed(REST.replace('"gen":3', '"gen":٣') + ',"payload":1}'), "malformed"),
    "white space": (sealed(" " + REST + ',"payload":1}'), "malformed"),
    "long id": (sealed(REST.replace('"id":""', f'"id":"{"1" * 25}"') + ',"payload":1}'), "malformed"),
    "quote in an id": (sealed(REST.replace('"id":""', '"id":"\\""') + ',"payload":1}'), "malformed"),
    "empty method": (sealed(REST + ',"method":"","payload":1}'), "malformed"),
    "no buffer sizes": (sealed(REST + ',"buffers":[,],"payload":1}'), "malformed"),
    "capital nonce": (GOOD[:10] + GOOD[10:74].upper() + GOOD[74:], "malformed"),
    "non-ASCII nonce": (GOOD[:10] + "é" * 64 + GOOD[74:], "malformed"),
    "short nonce": (GOOD[:10] + GOOD[11:], "malformed"),
    "wrong nonce": (GOOD[:10] + "0" * 64 + GOOD[74:], "nonce"),
    "lone surrogate": (GOOD.replace("null}", '"\udc80"}'), "surrogate"),
    "another session": (sealer(sid="f" * 32).seal("log", "", "", "0"), "session"),
    "another plugin": (sealer(plugin="com.example.la").seal("log", "", "", "0"), "nonce"),
    "another key": (sealer(key=b"k" * 16).seal("log", "", "", "0"), "nonce"),
    "another direction": (sealer(TO_PLUGIN).seal("log", "", "", "0"), "nonce"),
    "another origin": (sealer(origin="https://evil.example").seal("log", "", "", "0"), "origin"),
    "unknown kind": (sealer().seal("evil", "", "", "0"), "kind"),
    "buffers that did not come": (sealer().seal("log", "", "", "0", buffers=[1]), "buffers"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "rule"), REJECTED.values(), ids=REJECTED)
def test_a_text_with_any_doubt_is_not_opened_and_moves_nothing(text: str, rule: str) -> None:
    reader = opener()
    assert rule_of(text, at=reader)[0] == rule
    assert reader.open(GOOD) is not None


@pytest.mark.parametrize(("declared", "came"), [((), (3,)), ((3,), ()), ((3,), (4,)), ((3, 4), (4, 3)), ((3,), (3, 0))])
def test_buffers_must_be_those_declared(declared: tuple[int, ...], came: tuple[int, ...]) -> None:
    assert rule_of(sealer().seal("log", "", "", "0", buffers=declared), list(map(range, came)))[0] == "buffers"


def test_the_length_is_judged_before_anything_else() -> None:
    assert rule_of("[" * 4097) == ("too-long", Code.MESSAGE_LIMIT)
    assert rule_of("[" * 4096) == ("malformed", Code.PROTOCOL_VIOLATION)


def test_replay_gap_and_reorder_are_told_apart() -> None:
    writer, reader = sealer(), opener()
    first, second, third = (writer.seal("log", "", "", str(n)) for n in range(3))
    assert rule_of(second, at=reader) == ("gap", Code.NONCE_REJECTED)
    assert reader.open(first) is not None
    assert rule_of(first, at=reader) == ("replay", Code.NONCE_REJECTED)
    assert rule_of(third, at=reader) == ("gap", Code.NONCE_REJECTED)
    assert reader.open(second) is not None


@pytest.mark.parametrize("gen", [0, 2, 4, 999_999_999])
def test_an_envelope_of_another_generation_is_no_envelope(gen: int) -> None:
    reader = opener()
    assert reader.open(sealer(gen=gen).seal("log", "", "", "0")) is None
    assert reader.open(GOOD) is not None


@pytest.mark.parametrize("other", [0, 2, 7, 999_999])
@pytest.mark.parametrize("shape", [GOOD, '{"nonce":"","v":1,"what":"a later shape"}'])
def test_another_version_is_named_by_both_ends(other: int, shape: str) -> None:
    with pytest.raises(ProtocolViolation) as raised:
        opener().open(shape.replace('"v":1', f'"v":{other}'))
    assert (raised.value.rule, raised.value.code) == ("version", Code.PROTOCOL_VERSION)
    assert f"version {other}," in raised.value.message
    assert f"speaks {PROTOCOL_VERSION}" in raised.value.message


def test_every_kind_fits_the_header() -> None:
    for kind in KINDS:
        opened = opener().open(sealer().seal(kind, "", "", "0"))
        assert opened is not None
        assert opened.kind == kind
