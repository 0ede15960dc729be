"""Slots that are processes: who hears of what, and when a process is ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, cast

from pysandbox.core.envelope import Binding
from pysandbox.core.errors import Code
from pysandbox.invoker.pool import Pool
from pysandbox.invoker.process import Hearer
from pysandbox.invoker.world import ProcessWorld
from tests.unit.joined.virtual_time import in_virtual_time

BINDING = Binding("com.vendor.x@1.0.0", "sid", 1, b"\x01\x02", "https://origin.example")


@dataclass
class Process:
    """What a world does to a process."""

    memory_mb: int
    did: list[Any] = field(default_factory=list[Any])
    hearer: Hearer | None = None

    def bind(self, hearer: Hearer, limits: Mapping[str, int], binding: str, *, needs_library: bool) -> None:
        self.hearer = hearer
        self.did.append(("bind", dict(limits), json.loads(binding), needs_library))

    def send(self, text: str, buffers: Sequence[bytes]) -> None:
        self.did.append(("send", text, list(buffers)))

    def grant(self, messages: int) -> None:
        self.did.append(("grant", messages))

    def kill(self) -> None:
        self.did.append("kill")


@dataclass
class Processes:
    """A pool that remembers."""

    taken: list[Process] = field(default_factory=list[Process])
    refilled: list[int] = field(default_factory=list[int])

    def take(self, memory_mb: int) -> Process:
        self.taken.append(Process(memory_mb))
        return self.taken[-1]

    def refill(self, memory_mb: int) -> None:
        self.refilled.append(memory_mb)


@dataclass
class Heard:
    """The session's side."""

    told: list[Any] = field(default_factory=list[Any])

    def on_plugin(self, slot: int, text: str, buffers: Sequence[Sized] = ()) -> None:
        self.told.append(("plugin", slot, text, list(buffers)))

    def on_gate(self, slot: int, rule: str, fatal: bool) -> None:
        self.told.append(("gate", slot, rule, fatal))

    def on_expired(self, slot: int, invocation: str) -> None:
        self.told.append(("expired", slot, invocation))

    def on_cell_failed(self, slot: int, code: str, message: str) -> None:
        self.told.append(("failed", slot, code, message))


def opened() -> tuple[ProcessWorld, Processes, Heard]:
    """A world with the slots 1 and 2."""
    pool, heard = Processes(), Heard()
    world = ProcessWorld(cast(Pool, pool))
    world.session = heard
    for slot in (1, 2):
        world.open_cell(slot, 64, slot == 2, BINDING, {"credit": 5})
    return world, pool, heard


@in_virtual_time
async def test_a_slot_is_a_process_that_is_bound_to_its_generation() -> None:
    _, pool, _ = opened()
    one, other = pool.taken
    (_, limits, told, needs_library), = one.did
    assert (one.memory_mb, limits, needs_library) == (64, {"credit": 5}, False)
    assert (told["op"], told["key"]) == ("bind", "0102")
    assert other.did[0][3]


@in_virtual_time
async def test_what_a_process_says_or_does_is_its_slots() -> None:
    _, pool, heard = opened()
    hearer = pool.taken[1].hearer
    assert hearer is not None
    hearer.accepted("hi", [b"x"])
    hearer.refused("seq", True)
    hearer.ended(Code.PLUGIN_KILLED, "it ended")
    assert heard.told == [
        ("plugin", 2, "hi", [b"x"]), ("gate", 2, "seq", True), ("failed", 2, "PLUGIN_KILLED", "it ended")]


@in_virtual_time
async def test_messages_and_credit_go_to_the_slots_process_and_to_nobody_once_it_has_ended() -> None:
    world, pool, _ = opened()
    world.to_plugin(1, "a", [b"1"])
    world.grant(1, 3)
    world.end_cell(1)
    world.to_plugin(1, "b", ())
    world.grant(1, 1)
    world.end_cell(1)
    assert pool.taken[0].did[1:] == [("send", "a", [b"1"]), ("grant", 3), "kill"]
    assert len(pool.taken[1].did) == 1


@in_virtual_time
async def test_past_its_hard_limit_a_process_is_killed_before_anybody_is_told() -> None:
    world, pool, heard = opened()
    world.arm(1, "i1", 100)
    world.arm(2, "i2", 300)
    await asyncio.sleep(0.2)
    assert pool.taken[0].did[-1] == "kill"
    assert heard.told == [("expired", 1, "i1")]
    assert pool.taken[1].did[1:] == []


@in_virtual_time
async def test_a_deadline_that_was_met_moved_or_lost_its_slot_ends_nobody() -> None:
    world, pool, heard = opened()
    world.arm(1, "met", 100)
    world.disarm(1, "met")
    world.arm(1, "moved", 100)
    world.arm(1, "moved", 1000)
    world.arm(2, "lost", 100)
    world.end_cell(2)
    await asyncio.sleep(0.5)
    assert heard.told == []
    assert "kill" not in pool.taken[0].did
    world.close()
    await asyncio.sleep(1)
    assert heard.told == []


@in_virtual_time
async def test_once_a_plugin_is_loaded_there_is_a_spare_again() -> None:
    world, pool, _ = opened()
    world.arm(1, "load", 100)
    assert pool.refilled == []
    world.disarm(1, "load")
    world.disarm(2, "i1")
    assert pool.refilled == [64]
