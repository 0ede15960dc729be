"""The gate on a process: what passes it, and at which byte a stream that must not pass is ended."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.invoker.frames import FrameGate, pack

LIMITS = {"credit": 3, "maxChars": 100, "maxDepth": 4, "maxBuffers": 2, "maxBufferBytes": 50}


class Heard:
    """Both ends of a gate's words."""

    def __init__(self, **limits: int) -> None:
        self.accepted: list[tuple[str, list[bytes]]] = []
        self.refused: list[tuple[str, bool]] = []
        self.gate = FrameGate(
            {**LIMITS, **limits}, lambda text, buffers: self.accepted.append((text, buffers)),
            lambda rule, fatal: self.refused.append((rule, fatal)))


@given(
    st.lists(st.tuples(st.text(max_size=30), st.lists(st.binary(max_size=20), max_size=2)), max_size=3),
    st.integers(1, 40))
def test_frames_arrive_as_they_were_wherever_the_stream_is_cut(
    frames: list[tuple[str, list[bytes]]], cut: int
) -> None:
    heard = Heard(maxDepth=100)
    stream = b"".join(pack(text, buffers) for text, buffers in frames)
    for at in range(0, len(stream), cut):
        heard.gate.feed(stream[at : at + cut])
    assert (heard.accepted, heard.refused) == (frames, [])


def test_a_frame_without_credit_is_the_end_though_none_of_its_content_came() -> None:
    heard = Heard()
    heard.gate.feed(pack("a") * 3 + struct.pack("<II", 90, 0))
    assert heard.refused == [("overdraft", True)]
    heard.gate.grant(5)
    heard.gate.feed(b"x" * 90 + pack("late"))
    assert [text for text, _ in heard.accepted] == ["a"] * 3


def test_credit_that_is_granted_lets_more_through() -> None:
    heard = Heard()
    heard.gate.feed(pack("a") * 3)
    heard.gate.grant(1)
    heard.gate.feed(pack("b"))
    assert (len(heard.accepted), heard.refused) == (4, [])


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        (struct.pack("<II", 301, 0), "too-long"),
        (struct.pack("<II", 0xFFFFFFFF, 0), "too-long"),
        (struct.pack("<II", 1, 3), "too-many-buffers"),
        (struct.pack("<II", 1, 0xFFFFFFFF), "too-many-buffers"),
        (struct.pack("<IIII", 1, 2, 26, 25), "too-many-bytes"),
        (b'{"nonce":"', "too-long"),  # a line of text, read as lengths
    ],
)
def test_what_announces_too_much_is_ended_before_it_is_read(head: bytes, rule: str) -> None:
    heard = Heard()
    heard.gate.feed(head)
    assert (heard.refused, heard.accepted) == ([(rule, True)], [])


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (pack("[" * 5), "too-deep"),
        (pack("x" * 101), "too-long"),
        (struct.pack("<II", 2, 0) + b"\xff\xfe", "not-text"),
        (struct.pack("<II", 3, 0) + b"\xed\xa0\x80", "not-text"),  # a surrogate
    ],
)
def test_a_frame_that_is_no_fit_message_is_refused_and_the_next_one_heard(frame: bytes, rule: str) -> None:
    heard = Heard()
    heard.gate.feed(frame + pack("next"))
    assert heard.refused == [(rule, False)]
    assert heard.accepted == [("next", [])]
