"""A channel: two ends joined in memory, their credit, and the pace at which it comes back."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence, Sized

import pytest

from pysandbox.core.channel import Channel
from pysandbox.core.envelope import KINDS, TO_HOST, TO_PLUGIN, Binding, Envelope, Sealer
from pysandbox.core.errors import Code, ProtocolViolation
from pysandbox.testing.clock import ManualClock

BINDING = Binding("com.example.lab", "5" * 32, 1, b"k" * 16, "https://sandbox.example")
CREDIT = 8


class Wire:
    """One end's world: what it posted waits here; what its gate was granted is counted."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.posted: deque[tuple[str, list[Sized]]] = deque()
        self.granted = 0

    def post(self, text: str, buffers: Sequence[Sized]) -> None:
        self.posted.append((text, list(buffers)))

    def grant(self, messages: int) -> None:
        self.granted += messages

    def now_ms(self) -> float:
        return self.clock.now_ms

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self.clock.schedule(run, delay_ms)


class Pair:
    def __init__(self, rate_per_s: int = 0) -> None:
        self.clock = ManualClock()
        self.plugin_wire, self.host_wire = Wire(self.clock), Wire(self.clock)
        self.plugin = Channel(BINDING, TO_HOST, self.plugin_wire, credit=CREDIT, max_chars=4096)
        self.host = Channel(
            BINDING, TO_PLUGIN, self.host_wire, credit=CREDIT, max_chars=4096, rate_per_s=rate_per_s)

    def to_host(self) -> list[Envelope]:
        """Deliver all that the plugin's end posted."""
        return _deliver(self.plugin_wire, self.host)

    def to_plugin(self) -> list[Envelope]:
        return _deliver(self.host_wire, self.plugin)


def _deliver(wire: Wire, end: Channel) -> list[Envelope]:
    found = [end.receive(*wire.posted.popleft()) for _ in range(len(wire.posted))]
    return [envelope for envelope in found if envelope is not None]


def test_both_directions_arrive_with_all_they_carry() -> None:
    pair = Pair()
    pair.host.send("call", "1", "c", "[1]", method="f", deadline_ms=9, buffers=[b"abc"])
    assert pair.to_plugin() == [Envelope("call", "1", "c", "[1]", "f", 9, buffers=(b"abc",))]
    pair.plugin.send("result", "1", "c", "2", memory=(3, 4))
    assert pair.to_host() == [Envelope("result", "1", "c", "2", memory=(3, 4))]


def test_messages_without_credit_wait_and_leave_in_order() -> None:
    pair = Pair()
    for number in range(20):
        pair.plugin.send("log", "", "", str(number))
    assert (len(pair.plugin_wire.posted), pair.plugin.waiting) == (CREDIT, 20 - CREDIT)
    seen: list[str] = []
    while len(seen) < 20:
        seen += [envelope.payload for envelope in pair.to_host()]
        pair.to_plugin()
    assert seen == [str(number) for number in range(20)]
    assert pair.plugin.waiting == 0


def test_a_reply_needs_no_credit_because_its_question_granted_it() -> None:
    pair = Pair()
    for number in range(20):
        pair.plugin.send("log", "", "", str(number))
    pair.host.send("call", "1", "")
    assert pair.host_wire.granted == 1
    pair.to_plugin()
    pair.plugin.send("result", "1", "", "0")
    assert [envelope.kind for envelope in pair.to_host()][-1] == "result"


REPLIES = {"result", "error", "loaded", "pong", "bye"}


@pytest.mark.parametrize("kind", sorted(KINDS - {"credit"}))
def test_replies_alone_need_no_credit_and_give_none_back(kind: str) -> None:
    pair = Pair()
    for number in range(2 * CREDIT):
        pair.plugin.send(kind, "1", "", str(number))
    assert (len(pair.plugin_wire.posted), pair.plugin.waiting) == (
        (2 * CREDIT, 0) if kind in REPLIES else (CREDIT, CREDIT))
    pair.to_host()
    assert pair.host_wire.granted == (0 if kind in REPLIES else CREDIT)
    assert [text for text, _ in pair.host_wire.posted if '"kind":"credit"' not in text] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_asks_lets_its_answer_in_and_nothing_else_does(kind: str) -> None:
    pair = Pair()
    pair.host.send(kind, "1", "", "1")
    asks = {"call", "load", "ping", "pressure", "shutdown"}
    assert pair.host_wire.granted == (1 if kind in asks else 0)


def test_what_carries_nothing_carries_null() -> None:
    pair = Pair()
    pair.plugin.send("log", "", "")
    assert pair.to_host() == [Envelope("log", "", "", "null")]


def test_credit_comes_back_when_half_of_it_is_used() -> None:
    pair = Pair()
    granted: list[int] = []
    for _ in range(CREDIT):
        pair.plugin.send("log", "", "")
        pair.to_host()
        granted.append(pair.host_wire.granted)
    assert granted == [0, 0, 0, 4, 4, 4, 4, 8]
    assert len(pair.host_wire.posted) == 2


def test_an_end_without_a_rate_gives_back_at_once() -> None:
    pair = Pair()
    for _ in range(2 * CREDIT):
        pair.host.send("log", "", "")
    for _ in range(3):
        pair.to_plugin()
        pair.to_host()
    assert (pair.plugin_wire.granted, pair.clock.now_ms) == (2 * CREDIT, ManualClock().now_ms)


def test_what_is_sent_while_others_leave_stands_behind_them() -> None:
    pair = Pair()
    for number in range(CREDIT + 3):
        pair.plugin.send("log", "", "", str(number))
    pair.to_host()
    post = pair.plugin_wire.post

    def post_and_send(text: str, buffers: Sequence[Sized]) -> None:
        pair.plugin_wire.post = post
        post(text, buffers)
        pair.plugin.send("log", "", "", '"late"')

    pair.plugin_wire.post = post_and_send
    pair.to_plugin()
    assert [envelope.payload for envelope in pair.to_host()] == ["8", "9", "10", '"late"']


def test_a_second_of_credit_is_saved_up_and_what_goes_beyond_waits_for_its_time() -> None:
    pair = Pair(rate_per_s=4)
    for _ in range(CREDIT):
        pair.plugin.send("log", "", "")
    pair.to_host()
    assert pair.host_wire.granted == 4, "four in a second, and one second is saved up"
    pair.clock.advance(999)
    assert pair.host_wire.granted == 4
    pair.clock.advance(1)
    assert pair.host_wire.granted == 8
    pair.to_plugin()
    pair.clock.advance(60_000)
    for _ in range(CREDIT):
        pair.plugin.send("log", "", "")
    pair.to_host()
    assert pair.host_wire.granted == 12, "and never more than one"


@pytest.mark.parametrize(("more", "given_back"), [(4, 12), (3, 8)], ids=["half the window", "less"])
def test_what_came_while_credit_waited_for_its_time_is_given_back_once_it_is_half_the_window(
    more: int, given_back: int
) -> None:
    pair = Pair(rate_per_s=4)
    for _ in range(CREDIT + more):
        pair.plugin.send("log", "", "")
    for _ in range(2):
        pair.to_host()
        pair.to_plugin()
    assert pair.host_wire.granted == 4
    pair.clock.advance(1000)
    assert pair.host_wire.granted == 8
    pair.clock.advance(60_000)
    assert pair.host_wire.granted == given_back


def test_credit_answers_nobody_and_belongs_to_no_call() -> None:
    pair = Pair()
    for _ in range(CREDIT):
        pair.plugin.send("log", "", "")
    pair.to_host()
    told = [json.loads(text) for text, _ in pair.host_wire.posted]
    assert [(one["kind"], one["id"], one["cid"]) for one in told] == [("credit", "", ""), ("credit", "", "")]


def test_no_more_leaves_than_there_is_credit_for() -> None:
    pair = Pair()
    for number in range(20):
        pair.plugin.send("log", "", "", str(number))
    for _ in range(4):
        pair.host.receive(*pair.plugin_wire.posted.popleft())
    pair.to_plugin()
    assert (len(pair.plugin_wire.posted), pair.plugin.waiting) == (8, 8), "four were left, four more left"


@pytest.mark.parametrize(("payload", "taken"), [("1", True), ("000001", True), ("0000001", False)])
def test_credit_is_told_in_six_digits_at_most(payload: str, *, taken: bool) -> None:
    pair = Pair()
    for _ in range(CREDIT + 1):
        pair.host.send("log", "", "")
    text = Sealer(BINDING, TO_HOST, "null").seal("credit", "", "", payload)
    if taken:
        assert pair.host.receive(text) is None
    else:
        with pytest.raises(ProtocolViolation):
            pair.host.receive(text)
    assert pair.host.waiting == (0 if taken else 1)


def test_the_gate_is_granted_exactly_what_the_other_end_was_told() -> None:
    pair = Pair()
    for _ in range(CREDIT):
        pair.plugin.send("log", "", "")
    pair.to_host()
    assert pair.host_wire.granted == CREDIT
    assert [envelope.kind for envelope in pair.to_plugin()] == []
    assert pair.plugin_wire.granted == 2, "each credit message is given back to its own gate"


def test_one_too_many_that_wait_is_our_own_fault_and_told() -> None:
    pair = Pair()
    for _ in range(CREDIT + 1024):
        pair.plugin.send("log", "", "")
    with pytest.raises(ProtocolViolation) as raised:
        pair.plugin.send("log", "", "")
    assert (raised.value.rule, raised.value.code) == ("backlog", Code.RATE_LIMIT)
    assert pair.plugin.waiting == 1024


def test_credit_comes_back_no_faster_than_the_rate_over_a_long_time() -> None:
    pair = Pair(rate_per_s=100)
    arrived: list[float] = []
    for number in range(1000):
        pair.plugin.send("log", "", "", str(number))
    for _ in range(20_000):
        arrived += [pair.clock.now_ms] * len(pair.to_host())
        pair.to_plugin()
        pair.clock.advance(1)
    assert len(arrived) == 1000
    for start in range(0, 8000, 500):
        assert sum(start <= at < start + 1000 for at in arrived) <= (200 if start == 0 else 100) + 2 * CREDIT
    assert 8000 <= arrived[-1] <= 10_000, "and no slower either"


def test_a_rate_below_the_window_still_gives_all_credit_back() -> None:
    pair = Pair(rate_per_s=3)
    for number in range(40):
        pair.plugin.send("log", "", "", str(number))
    seen = 0
    for _ in range(20_000):
        seen += len(pair.to_host())
        pair.to_plugin()
        pair.clock.advance(1)
    assert seen == 40


@pytest.mark.parametrize("payload", ["0", "000", "9", "-1", "1.0", '"1"', "null", "١", "9999999", ""])
def test_credit_that_was_not_owed_is_a_violation(payload: str) -> None:
    pair = Pair()
    pair.host.send("log", "", "")
    text = Sealer(BINDING, TO_HOST, "null").seal("credit", "", "", payload)
    with pytest.raises(ProtocolViolation) as raised:
        pair.host.receive(text)
    assert raised.value.rule == "credit"


def test_an_envelope_of_another_generation_is_a_violation_and_gives_no_credit_back() -> None:
    pair = Pair()
    for gen in (0, 2) * CREDIT:
        with pytest.raises(ProtocolViolation) as raised:
            pair.host.receive(Sealer(BINDING._replace(gen=gen), TO_HOST, "null").seal("log", "", "", "0"))
        assert (raised.value.rule, raised.value.code) == ("generation", Code.NONCE_REJECTED)
    assert pair.host_wire.granted == 0
