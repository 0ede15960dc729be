"""Any text in: a violation, nothing, or an envelope. What was sealed opens exactly, once, and only as it was."""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pysandbox.core.envelope import CID, KINDS, METHOD, TO_HOST, TO_PLUGIN, Binding, Envelope, Opener, Sealer
from pysandbox.core.errors import Code, ProtocolViolation
from tests.fuzz.corpus import kept

KEYS = st.binary(min_size=16, max_size=16)
BINDINGS = st.builds(
    Binding, st.sampled_from(["com.example.a", "com.example.b"]), st.text("0123456789abcdef", min_size=32, max_size=32),
    st.integers(0, 999_999_999), KEYS, st.sampled_from(["https://a.example", "http://127.0.0.1:8901"]))
NAMES = st.text("abcXYZ019_.:-", max_size=64)
PAYLOADS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
ENVELOPES = st.builds(
    Envelope, st.sampled_from(sorted(KINDS)), st.text("abc0123456789", max_size=24), NAMES, PAYLOADS, NAMES,
    st.integers(0, 999_999_999), st.just((0, 0)) | st.tuples(st.integers(1, 10**12), st.integers(0, 10**12)),
    st.lists(st.integers(0, 10**9).map(range), max_size=8).map(tuple))
DIRECTIONS = st.sampled_from([(TO_PLUGIN, "https://a.example"), (TO_HOST, "null")])
FIXED = Binding("com.example.a", "5" * 32, 1, b"k" * 16, "https://a.example")
SAMPLE = Sealer(FIXED, TO_HOST, "null").seal("log", "1", "c", '{"a":"é"}', method="m", deadline_ms=5, memory=(1, 2))
PIECES = st.lists(
    st.sampled_from([*re.findall(r'"[^"]*"|[0-9]+|.', SAMPLE), "\ud800", "\0", " ", "[" * 50, "9" * 50, "\n", "٣"])
    | st.text(max_size=3), max_size=60).map("".join)
MUTANTS = st.builds(
    lambda at, cut, put: SAMPLE[:at] + put + SAMPLE[at + cut :], st.integers(0, len(SAMPLE)), st.integers(0, 20),
    st.text(max_size=5))

SEALED = SAMPLE[SAMPLE.index('"v":') :]
FIELDS = st.tuples(*map(st.sampled_from, (
    ['"v":1,', '"v":01,', '"v":2,', '"v":1e0,', ""], [f'"sid":"{"5" * 32}",', f'"sid":"{"6" * 32}",', '"sid":"",'],
    ['"gen":1,', '"gen":001,', '"gen":0,', '"gen":-1,', '"gen":1.0,'], ['"seq":0,', '"seq":00,', '"seq":1,', ""],
    ['"origin":"null",', '"origin":null,', '"origin":"https://a.example",'],
    ['"kind":"log",', '"kind":"credit",', '"kind":"nothing",', '"kind":"LOG",', '"kind":"log","kind":"bye",'],
    ['"id":"1",', '"id":"",', '"id":"\\u0031",', '"id":1,'], ['"cid":"c"', '"cid":"\\n"', '"cid":"٣"'],
    ["", ',"method":"m"', ',"method":""', ',"method":"__class__"'], ["", ',"deadlineMs":5', ',"deadlineMs":-5'],
    ["", ',"memory":[1,2]', ',"memory":[0,0]', ',"memory":[1]', ',"memory":[9e9,1]'],
    ["", ',"buffers":[]', ',"buffers":[1]', ',"buffers":[0' + ",0" * 64 + "]"],
    [',"payload":', ',"x":1,"payload":', ',"payload" :'], ["null", "", "{", "}", "\ud800", "[" * 99, '","v":2'],
    ["}", "", "}}", "} ", "}\n"]))).map("".join)
SPLICED = st.builds(
    lambda at, cut, put: SEALED[:at] + put + SEALED[at + cut :], st.integers(0, len(SEALED)), st.integers(0, 20),
    st.text(max_size=5) | st.sampled_from(['"', ",", '","payload":', "0" * 20, "}", '"buffers":[1],']))


def seal(sealer: Sealer, envelope: Envelope) -> str:
    return sealer.seal(
        envelope.kind, envelope.id, envelope.cid, envelope.payload, method=envelope.method,
        deadline_ms=envelope.deadline_ms, memory=envelope.memory if any(envelope.memory) else None,
        buffers=[len(buffer) for buffer in envelope.buffers])  # fmt: skip


def opened(opener: Opener, text: str, buffers: Sequence[Sized] = ()) -> Envelope | str | None:
    """The envelope, None, or the violation's rule; anything else that is raised fails the test."""
    try:
        return opener.open(text, buffers)
    except ProtocolViolation as violation:
        return violation.rule


@given(st.text() | PIECES | MUTANTS, st.lists(st.integers(0, 9).map(range), max_size=2))
def test_any_text_is_refused_dropped_or_is_the_one_that_was_sealed(text: str, buffers: list[range]) -> None:
    opener = Opener(FIXED, TO_HOST, "null", max_chars=500)
    result = opened(opener, text, buffers)
    if text == SAMPLE and not buffers:
        assert isinstance(result, Envelope)
    else:
        assert result is None or isinstance(result, str)
        assert isinstance(opened(opener, SAMPLE), Envelope), "what was refused changed nothing"


@kept("envelopes")
@given(FIELDS | SPLICED)
def test_what_a_plugin_seals_itself_is_refused_dropped_or_says_one_thing(rest: str) -> None:
    """The key lies in the plugin's own worker: whatever it writes, its nonce can be right."""
    nonce = Sealer(FIXED, TO_HOST, "null").nonce(0, rest.encode(errors="surrogatepass"))
    opener = Opener(FIXED, TO_HOST, "null", max_chars=500)
    result = opened(opener, f'{{"nonce":"{nonce}",{rest}')
    if not isinstance(result, Envelope):
        assert isinstance(opened(opener, SAMPLE), Envelope), "what was refused changed nothing"
        return
    assert result.kind in KINDS
    assert CID.fullmatch(result.cid)
    assert not result.method or METHOD.fullmatch(result.method)
    assert rest.endswith(f',"payload":{result.payload}}}')
    assert opened(opener, SAMPLE) == "replay"
    again = seal(Sealer(FIXED, TO_HOST, "null"), result)
    assert opened(Opener(FIXED, TO_HOST, "null", max_chars=500), again) == result


@given(BINDINGS, DIRECTIONS, st.lists(ENVELOPES, min_size=1, max_size=5))
def test_what_is_sealed_opens_exactly_in_order_and_once(
    binding: Binding, way: tuple[str, str], envelopes: list[Envelope],
) -> None:  # fmt: skip
    sealer, opener = Sealer(binding, *way), Opener(binding, *way, max_chars=10_000)
    for envelope in envelopes:
        text = seal(sealer, envelope)
        assert opened(opener, text, envelope.buffers) == envelope
        assert opened(opener, text, envelope.buffers) == "replay"


@given(st.integers(0, len(SAMPLE) - 1), st.characters())
def test_any_one_character_changed_is_not_opened(at: int, char: str) -> None:
    assume(SAMPLE[at] != char)
    opener = Opener(FIXED, TO_HOST, "null", max_chars=500)
    assert not isinstance(opened(opener, SAMPLE[:at] + char + SAMPLE[at + 1 :]), Envelope)


@given(st.integers(0, len(SAMPLE)), st.text(min_size=1, max_size=3))
def test_nothing_can_be_put_in_or_left_out(at: int, more: str) -> None:
    opener = Opener(FIXED, TO_HOST, "null", max_chars=500)
    longer = SAMPLE[:at] + more + SAMPLE[at:]
    assert longer == SAMPLE or not isinstance(opened(opener, longer), Envelope)
    assert at == len(SAMPLE) or not isinstance(opened(opener, SAMPLE[:at] + SAMPLE[at + 1 :]), Envelope)


@given(st.permutations(range(5)))
def test_any_other_order_is_a_gap_or_a_replay(order: list[int]) -> None:
    sealer, opener = Sealer(FIXED, TO_HOST, "null"), Opener(FIXED, TO_HOST, "null", max_chars=500)
    texts = [sealer.seal("log", "", "", str(number)) for number in range(5)]
    due = 0
    for number in order:
        result = opened(opener, texts[number])
        if number == due:
            assert isinstance(result, Envelope)
            due += 1
        else:
            assert result == ("replay" if number < due else "gap")


@given(BINDINGS, BINDINGS, DIRECTIONS, DIRECTIONS)
def test_an_envelope_opens_on_its_own_port_and_nowhere_else(
    ours: Binding, theirs: Binding, our_way: tuple[str, str], their_way: tuple[str, str],
) -> None:  # fmt: skip
    """Every part of the binding counts: one that differs is enough."""
    parts = ("plugin", "sid", "gen", "key")
    for foreign in (theirs, *(ours._replace(**{name: getattr(theirs, name)}) for name in parts)):
        text = Sealer(foreign, *their_way).seal("log", "", "", "0")
        same = foreign[:4] == ours[:4] and our_way == their_way
        assert isinstance(opened(Opener(ours, *our_way, max_chars=500), text), Envelope) == same


@given(st.integers(0, 999_999).filter(lambda version: version != 1), DIRECTIONS)
def test_another_version_is_told_with_both_numbers(version: int, way: tuple[str, str]) -> None:
    text = Sealer(FIXED, *way).seal("log", "", "", "0").replace('"v":1', f'"v":{version}', 1)
    with pytest.raises(ProtocolViolation) as raised:
        Opener(FIXED, *way, max_chars=500).open(text)
    assert raised.value.code is Code.PROTOCOL_VERSION
    assert f"version {version}," in raised.value.message
    assert raised.value.message.endswith("speaks 1")
