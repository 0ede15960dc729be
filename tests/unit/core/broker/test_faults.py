"""Faults at a port: what is lost leaves no gap, what is late stays in order, and a seed decides all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pysandbox.core.broker.faults import FaultyChannel
from pysandbox.core.chaos import Chaos
from pysandbox.core.envelope import TO_HOST, TO_PLUGIN, Binding, Opener, Sealer

BINDING = Binding("com.example.lab", "5" * 32, 1, b"k" * 16, "https://sandbox.example")


class Wire:
    """Time stands still until `advance`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def post(self, text: str, buffers: Sequence[bytes]) -> None:
        assert not buffers
        self.sent.append((self.now, text))

    def grant(self, messages: int) -> None:
        assert messages > 0

    def now_ms(self) -> float:
        return self.now

    def later(self, delay_ms: float, run: Callable[[], None]) -> None:
        self.timers.append((self.now + delay_ms, run))

    def advance(self) -> None:
        """Run every timer, those of one moment in the worst order."""
        while self.timers:
            self.timers.sort(key=lambda timer: timer[0])
            due = [timer for timer in self.timers if timer[0] == self.timers[0][0]]
            self.timers = self.timers[len(due):]
            for when, run in reversed(due):
                self.now = when
                run()


def _channel(chaos: Chaos, wire: Wire, binding: Binding = BINDING) -> FaultyChannel:
    return FaultyChannel(chaos, binding, TO_PLUGIN, wire, credit=1000, max_chars=10_000, rate_per_s=0)


def _opened(wire: Wire) -> list[str]:
    """The ids of what was sent, as the plugin reads them: any gap in the numbers would raise."""
    opener = Opener(BINDING, TO_PLUGIN, BINDING.origin, max_chars=10_000)
    found = [opener.open(text) for _, text in wire.sent]
    return [envelope.id for envelope in found if envelope is not None]


def _sent_of_200(chaos: Chaos) -> list[str]:
    wire = Wire()
    channel = _channel(chaos, wire)
    for number in range(200):
        channel.send("call", str(number), "", method="m")
    wire.advance()
    return _opened(wire)


def _heard_of_200(chaos: Chaos) -> list[str]:
    wire = Wire()
    channel, sealer = _channel(chaos, wire), Sealer(BINDING, TO_HOST, "null")
    heard = [channel.receive(sealer.seal("result", str(number), "", "null")) for number in range(200)]
    return [envelope.id for envelope in heard if envelope is not None]


@pytest.mark.parametrize("run", [_sent_of_200, _heard_of_200])
def test_a_share_of_what_passes_is_lost_and_the_rest_is_in_order_without_a_gap(
    run: Callable[[Chaos], list[str]]
) -> None:
    passed = run(Chaos(drop=0.25, seed=7))
    assert 120 <= len(passed) <= 180
    assert passed == sorted(passed, key=int)
    assert len(run(Chaos(drop=0.0, seed=7))) == 200
    assert run(Chaos(drop=1.0, seed=7)) == []


@pytest.mark.parametrize("run", [_sent_of_200, _heard_of_200])
def test_a_seed_repeats_itself_and_another_one_differs(run: Callable[[Chaos], list[str]]) -> None:
    assert run(Chaos(drop=0.5, seed=7)) == run(Chaos(drop=0.5, seed=7))
    assert run(Chaos(drop=0.5, seed=7)) != run(Chaos(drop=0.5, seed=8))


def test_what_becomes_of_a_call_does_not_hang_on_how_much_is_said_beside_it() -> None:
    chaos, wire, talkative = Chaos(drop=0.5, seed=7), Wire(), Wire()
    quiet, loud = _channel(chaos, wire), _channel(chaos, talkative)
    for number in range(50):
        quiet.send("call", str(number), "", method="m")
        loud.send("result", f"r{number}", "")
        loud.send("call", str(number), "", method="m")
    assert [id for id in _opened(talkative) if id.isdigit()] == _opened(wire)


def test_another_generation_fares_differently() -> None:
    chaos = Chaos(drop=0.5, seed=7)
    wires = [Wire(), Wire()]
    for wire, binding in zip(wires, [BINDING, BINDING._replace(gen=2)], strict=True):
        channel = _channel(chaos, wire, binding)
        for number in range(50):
            channel.send("call", str(number), "", method="m")
    ids = [[text.partition('"id":"')[2].partition('"')[0] for _, text in wire.sent] for wire in wires]
    assert ids[0] != ids[1]


def test_what_starts_and_ends_a_worker_is_never_lost() -> None:
    wire = Wire()
    channel, sealer = _channel(Chaos(drop=1.0, seed=7), wire), Sealer(BINDING, TO_HOST, "null")
    for kind, id in (("load", "load"), ("pressure", "pressure"), ("shutdown", "shutdown"), ("abort", "1")):
        channel.send(kind, id, "")
    assert len(wire.sent) == 4
    for kind, id in (("ready", ""), ("loaded", "load"), ("error", "load"), ("result", "pressure"), ("bye", "shutdown")):
        assert channel.receive(sealer.seal(kind, id, "", "null")) is not None


def test_late_messages_stay_in_order_and_are_late_within_the_bounds() -> None:
    wire = Wire()
    channel = _channel(Chaos(latency_ms=(20, 80), seed=7), wire)
    for number in range(50):
        channel.send("call", str(number), "", method="m")
    assert wire.sent == []
    wire.advance()
    assert _opened(wire) == [str(number) for number in range(50)]
    assert 20 <= wire.sent[0][0] <= wire.sent[-1][0] <= 80


def test_what_arrives_is_late_too_and_in_order() -> None:
    wire = Wire()
    channel = _channel(Chaos(latency_ms=(50, 50), seed=7), wire)
    taken: list[tuple[int, float]] = []
    for number in range(3):
        channel.arrived(lambda number=number: taken.append((number, wire.now)))
    wire.advance()
    assert taken == [(0, 50.0), (1, 50.0), (2, 50.0)]


def test_a_plugin_that_hangs_is_called_and_says_nothing_more() -> None:
    wire = Wire()
    channel, sealer = _channel(Chaos(hang=1.0, seed=7), wire), Sealer(BINDING, TO_HOST, "null")
    assert channel.receive(sealer.seal("log", "", "", "{}")) is not None
    channel.send("call", "1", "", method="m")
    assert _opened(wire) == ["1"]
    assert channel.receive(sealer.seal("log", "", "", "{}")) is None
    assert channel.receive(sealer.seal("result", "1", "", "null")) is None
