"""Calls that wait for their one reply."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, ProtocolViolation
from pysandbox.core.pending import PendingCalls


def test_ids_are_fresh_and_carry_the_prefix() -> None:
    calls: PendingCalls[str] = PendingCalls("p1c")
    assert [calls.open("a"), calls.open("b")] == ["p1c1", "p1c2"]
    calls.settle("p1c2")
    assert calls.open("c") == "p1c3"
    assert calls.items() == [("p1c1", "a"), ("p1c3", "c")]


@pytest.mark.parametrize("id", ["1", "2", "", "01", "1 "])
def test_an_id_is_answered_once_and_an_unknown_one_never(id: str) -> None:
    calls: PendingCalls[str] = PendingCalls()
    assert calls.settle(calls.open("a")) == "a"
    with pytest.raises(ProtocolViolation) as raised:
        calls.settle(id)
    assert (raised.value.rule, raised.value.code) == ("unknown-id", Code.PROTOCOL_VIOLATION)


def test_our_own_side_may_look_and_clean_up_without_a_fault() -> None:
    calls: PendingCalls[str] = PendingCalls()
    id = calls.open("a")
    assert (calls.peek(id), id in calls, len(calls)) == ("a", True, 1)
    assert (calls.discard(id), calls.discard(id), calls.peek(id)) == ("a", None, None)


def test_drained_calls_wait_no_more() -> None:
    calls: PendingCalls[int] = PendingCalls()
    for number in range(3):
        calls.open(number)
    assert calls.drain() == [("1", 0), ("2", 1), ("3", 2)]
    assert len(calls) == 0
    assert calls.open(3) == "4"
