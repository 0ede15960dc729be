"""One worker's port on the host's side: what is heard, what is counted, and the silence after its end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pysandbox.core.broker.slot import Slot
from pysandbox.core.envelope import TO_HOST, Binding, Envelope, Sealer
from pysandbox.core.errors import Code, ProtocolViolation, SandboxError
from pysandbox.core.limits import default

BINDING = Binding("com.example.lab", "5" * 32, 1, b"k" * 16, "https://sandbox.example")
HELLO = Sealer(BINDING, TO_HOST, "null").seal("ready", "", "", "null")


class World:
    """What a slot uses of its world."""

    def __init__(self) -> None:
        self.posted: list[tuple[int, str]] = []
        self.granted = 0

    def now_ms(self) -> float:
        return 0

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        raise AssertionError(f"nothing here is paced: {delay_ms} {run}")

    def to_plugin(self, slot: int, text: str, buffers: Sequence[bytes]) -> None:
        assert not buffers
        self.posted.append((slot, text))

    def grant(self, slot: int, messages: int) -> None:
        assert slot == 4
        self.granted += messages

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a slot has no business with {name}")


class Hearing:
    """A listener that writes down what it hears; ``fault`` is raised instead of taking an envelope."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.envelopes: list[Envelope] = []
        self.violations: list[tuple[str, Code, str]] = []
        self.deaths: list[tuple[str, Code]] = []
        self.fault = fault

    def on_envelope(self, slot: Slot, envelope: Envelope) -> None:
        assert slot.number == 4
        if self.fault is not None:
            raise self.fault
        self.envelopes.append(envelope)

    def violated(self, slot: Slot, violation: ProtocolViolation, evidence: str) -> None:
        assert slot.violations >= 1
        self.violations.append((violation.rule, violation.code, evidence))

    def killed(self, slot: Slot, overdue: str, others: SandboxError) -> None:
        assert slot.number == 4
        self.deaths.append((overdue, others.code))

    def expired(self, slot_number: int, invocation_id: str) -> None:
        raise AssertionError(f"the watchdog does not speak through a slot: {slot_number} {invocation_id}")


def make(fault: Exception | None = None) -> tuple[Slot, World, Hearing]:
    world, hearing = World(), Hearing(fault)
    return Slot(4, BINDING, world, hearing), world, hearing


def evidence(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def test_an_envelope_goes_to_the_listener() -> None:
    slot, _, hearing = make()
    slot.receive(HELLO)
    assert (hearing.envelopes, slot.violations) == ([Envelope("ready", "", "", "null")], 0)


@pytest.mark.parametrize("text", ["junk", "\ud800", "DEAD", " dead", "dead\n"])
def test_what_cannot_be_opened_is_counted_with_its_evidence(text: str) -> None:
    slot, _, hearing = make()
    slot.receive(text)
    assert hearing.violations == [("malformed", Code.PROTOCOL_VIOLATION, evidence(text))]
    assert (slot.violations, hearing.deaths) == (1, [])


@pytest.mark.parametrize(("fault", "rule"), [
    (ProtocolViolation("kind"), "kind"), (RecursionError(), "unreadable-RecursionError"),
    (KeyError("x"), "unreadable-KeyError"), (MemoryError(), "unreadable-MemoryError"),
])  # fmt: skip
def test_any_exception_while_reading_is_the_senders_violation(fault: Exception, rule: str) -> None:
    slot, _, hearing = make(fault)
    slot.receive(HELLO)
    assert hearing.violations == [(rule, Code.PROTOCOL_VIOLATION, evidence(HELLO))]


def test_the_word_of_a_dead_interpreter_is_its_end_and_no_violation() -> None:
    slot, _, hearing = make()
    slot.receive("dead")
    assert (hearing.deaths, hearing.violations) == ([("", Code.PLUGIN_KILLED)], [])


@pytest.mark.parametrize(("rule", "code"), [
    ("overdraft", Code.RATE_LIMIT), ("ports", Code.PROTOCOL_VIOLATION), ("too-long", Code.MESSAGE_LIMIT),
    ("too-deep", Code.MESSAGE_LIMIT), ("too-many-buffers", Code.MESSAGE_LIMIT)])
def test_a_refusal_of_the_gate_counts_and_a_fatal_one_spends_the_whole_budget(rule: str, code: Code) -> None:
    slot, _, hearing = make()
    slot.gate_refused(rule, False)
    assert (slot.violations, hearing.violations) == (1, [(rule, code, "")])
    slot.gate_refused(rule, True)
    assert slot.violations > default("violationBudget")


def test_a_closed_slot_hears_and_says_nothing() -> None:
    slot, world, hearing = make()
    slot.closed = True
    slot.receive(HELLO)
    slot.receive("dead")
    slot.gate_refused("overdraft", True)
    slot.channel.send("call", "1", "")
    assert (hearing.envelopes, hearing.violations, hearing.deaths) == ([], [], [])
    assert (world.posted, world.granted, slot.violations) == ([], 0, 0)


def test_an_open_slot_posts_and_grants_for_the_reply() -> None:
    slot, world, _ = make()
    slot.channel.send("call", "1", "")
    assert [number for number, _ in world.posted] == [4]
    assert world.granted == 1
