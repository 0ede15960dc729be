"""What was seen of an attack, and what that means. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    """``control failed`` covers what could not be made at all: either way nothing is proved."""

    STOPPED = "stopped"
    GOT_THROUGH = "got through"
    CONTROL_FAILED = "control failed"
    NOT_APPLICABLE = "not applicable"
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class Half:
    """One try. ``worked`` None: it did not come to a result. ``absent``: why this place has nothing of the kind."""

    worked: bool | None
    said: str
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Outside of the sandbox and inside. ``alerts``: the rules of what the page was told meanwhile."""

    control: Half
    attack: Half
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """``place``: the engine, or the gateway."""

    slug: str
    place: str
    verdict: Verdict
    reason: str
    seen: Seen


def judge(seen: Seen, residual: str = "") -> tuple[Verdict, str]:
    """The verdict and its reason. ``residual``: why this one is known to work in this place, if it is."""
    if seen.attack.worked:
        return (Verdict.RESIDUAL, residual) if residual else (Verdict.GOT_THROUGH, seen.attack.said)
    if seen.control.absent:
        return Verdict.NOT_APPLICABLE, f"{seen.control.absent} ({seen.control.said})"
    if not seen.control.worked:
        return Verdict.CONTROL_FAILED, f"outside of the sandbox it did not work either: {seen.control.said}"
    if seen.attack.worked is None:
        return Verdict.CONTROL_FAILED, f"inside it could not be tried: {seen.attack.said}"
    return Verdict.STOPPED, seen.attack.said


def with_arrivals(seen: Seen, control: int, attack: int) -> Seen:
    """What arrived at the listening server, which counts more than what anybody says of it."""
    return replace(
        seen, control=_arrived(seen.control, control), attack=_arrived(seen.attack, attack))


def _arrived(half: Half, count: int) -> Half:
    if count == 0 and half.worked is None:
        return half
    return replace(half, worked=count > 0, said=f"{count} arrived; {half.said}", absent="" if count else half.absent)


def count(results: Iterable[Result]) -> dict[str, int]:
    """How many of each verdict."""
    found = Counter(result.verdict.value for result in results)
    return {verdict.value: found[verdict.value] for verdict in Verdict}


def good(results: Iterable[Result]) -> bool:
    """Nothing got through, each that was tried had a control that worked, and something was tried."""
    counted = count(results)
    bad = counted[Verdict.GOT_THROUGH] + counted[Verdict.CONTROL_FAILED]
    return bad == 0 and counted[Verdict.STOPPED] + counted[Verdict.RESIDUAL] > 0
