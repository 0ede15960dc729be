"""What is known of an attack. Node ids are pytest's, relative to the root of the source tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

Place = Literal["chromium", "firefox", "webkit", "server"]
"""Where an attack runs: inside a browser, or once, against code that no browser makes a difference to."""

BROWSERS: Final[tuple[Place, ...]] = ("chromium", "firefox", "webkit")
SERVER: Final[tuple[Place, ...]] = ("server",)


class Group(StrEnum):
    """What an attack is after. The value is its name for people."""

    EGRESS = "Egress"
    STORAGE = "Storage"
    WINDOW = "Window and realm"
    MESSAGES = "Messages"
    PROTOTYPES = "Prototypes and names"
    EXHAUSTION = "Exhaustion"
    SIDE_CHANNELS = "Side channels"
    SUPPLY_CHAIN = "Supply chain"
    ESCALATION = "Escalation"
    LIFECYCLE = "Lifecycle"
    GATEWAY = "Gateway"


class Verdict(StrEnum):
    """How an attack has to end in a place."""

    STOPPED = "stopped"
    """The wall holds: nothing of what it is after is had."""
    BOUNDED = "bounded"
    """It takes something that nobody can refuse it (a core, memory, a place in a log), up to a limit, and is ended."""
    ABSENT = "absent"
    """The place has no such thing: what the attack would use is not there."""
    RESIDUAL = "residual"
    """It cannot be stopped there. `pysandbox.testing.attacks.residual` says why, and what it can have."""


class Observation(StrEnum):
    """What is looked at to tell whether it got through; never an exception alone."""

    LISTENER = "a listening server"
    CANARY = "a canary that must not be found"
    COUNTER = "a count of what reached the page, the server or the upstream"
    ALERT = "the alert, and that nothing was delivered"
    OUTCOME = "the outcome, its time, and the next call"
    NEIGHBOUR = "another plugin and the page, which go on"
    REALM = "what is there inside the worker"
    REFUSAL = "a coded refusal, and what stands as it stood"
    ANSWER = "the bytes of the answer"


@dataclass(frozen=True)
class Control:
    """The same attack with one wall taken away, which has to succeed."""

    without: str
    shown_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack. ``numbers``: those of the list that it covers; new ideas go on from 102.

    Exactly one of ``control`` and ``no_control`` is given. ``alert``: the code that the page is told, if it is told.
    ``residual``: the names of what is left of it.
    """

    numbers: tuple[int, ...]
    slug: str
    group: Group
    title: str
    tries: str
    wall: str
    observed: Observation
    proofs: tuple[str, ...]
    verdicts: Mapping[Place, Verdict] = field(hash=False)
    control: Control | None = None
    no_control: str = ""
    alert: str = ""
    residual: tuple[str, ...] = ()

    @property
    def tests(self) -> tuple[str, ...]:
        """The node ids of its tests, those of its control included."""
        return (*self.proofs, *(self.control.shown_by if self.control else ()))


def browsers(verdict: Verdict = Verdict.STOPPED, **other: Verdict) -> Mapping[Place, Verdict]:
    """The same verdict in every engine, save those named."""
    return MappingProxyType({place: other.get(place, verdict) for place in BROWSERS})


def server(verdict: Verdict = Verdict.STOPPED) -> Mapping[Place, Verdict]:
    """An attack that no browser makes a difference to."""
    return MappingProxyType(dict.fromkeys(SERVER, verdict))


def at(file: str, *tests: str) -> tuple[str, ...]:
    """Node ids of tests in one file."""
    return tuple(f"{file}::{test}" for test in tests)
