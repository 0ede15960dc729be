"""What QA may ask to go wrong at a plugin's port, written as ``latency=50,drop=0.1,hang=0.05,seed=7``; and in a flow.

Must not know: ports, or how a fault is brought about.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError

MAX_LATENCY_MS: Final = 60_000
MAX_SEED: Final = 2**32 - 1
_LATENCY: Final = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_PROBABILITY: Final = re.compile(r"[0-9](?:\.[0-9]{1,9})?|\.[0-9]{1,9}")
_RULES: Final = {
    "latency": f"milliseconds for each message, 0 to {MAX_LATENCY_MS}, or a range of them; such as latency=50 or "
    "latency=20-80",
    "drop": "the probability that a message is lost, 0 to 1; such as drop=0.1",
    "hang": "the probability that the plugin does not answer a call, 0 to 1; such as hang=0.05",
    "crash": "the probability that a call finds the plugin's worker dead, 0 to 1; such as crash=0.1",
    "breaker": "the probability that the plugin's breaker is open, 0 to 1; such as breaker=0.1",
    "seed": f"a whole number up to {MAX_SEED}, which makes a run repeatable; such as seed=7",
}

AT_PORTS: Final = ("latency", "drop", "hang", "seed")
"""What can go wrong at a plugin's port."""
IN_FLOWS: Final = ("latency", "hang", "crash", "breaker", "seed")
"""What can go wrong with a flow's calls."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """Faults of one sandbox, or of one flow. Latency is drawn between the two bounds.

    ``seed`` None is to be chosen by who runs it.
    """

    latency_ms: tuple[int, int] = (0, 0)
    drop: float = 0.0
    hang: float = 0.0
    seed: int | None = None
    crash: float = 0.0
    breaker: float = 0.0

    def seeded(self, seed: int) -> Chaos:
        """The same with a seed, if it has none yet."""
        return self if self.seed is not None else replace(self, seed=seed)

    def __str__(self) -> str:
        """The text that `parse_chaos` reads as this."""
        low, high = self.latency_ms
        parts = {
            "latency": f"{low}-{high}" if low != high else f"{low}" if low else "",
            "drop": _written(self.drop), "hang": _written(self.hang), "crash": _written(self.crash),
            "breaker": _written(self.breaker),
            "seed": "" if self.seed is None else str(self.seed),
        }
        return ",".join(f"{name}={value}" for name, value in parts.items() if value)


def parse_chaos(text: str, known: Collection[str] = AT_PORTS) -> Chaos:
    """What ``text`` asks for. ``known``: the faults that have a meaning where they are asked for.

    Raises SandboxError ``INPUT_INVALID`` that lists everything wrong with ``text`` at once, each with its cure.
    """
    problems: list[Problem] = []
    given: dict[str, str] = {}
    for part in text.split(",") if len(text) <= 200 else [text[:40]]:
        name, _, value = (side.strip() for side in part.partition("="))
        if name not in known:
            problems.append(Problem(
                "--chaos", f"{part[:40]!r} is no fault", f"write some of {', '.join(known)}, each as name=value"))
        elif name in given:
            problems.append(Problem(f"--chaos {name}", "is given twice", "give it once"))
        else:
            given[name] = value
            if not _fits(name, value):
                problems.append(Problem(f"--chaos {name}", f"{value[:40]!r} is none", f"give {_RULES[name]}"))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "what should go wrong is not said in a way we know", details=problems)
    seed = given.get("seed")
    return Chaos(
        _latency(given.get("latency", "0")) or (0, 0), float(given.get("drop", "0")), float(given.get("hang", "0")),
        None if seed is None else int(seed), float(given.get("crash", "0")), float(given.get("breaker", "0")))


def _written(probability: float) -> str:
    return f"{probability:.9f}".rstrip("0").rstrip(".") if probability else ""


def _fits(name: str, value: str) -> bool:
    if name == "latency":
        return _latency(value) is not None
    if name == "seed":
        return value.isascii() and value.isdigit() and len(value) <= len(str(MAX_SEED)) and int(value) <= MAX_SEED
    return _PROBABILITY.fullmatch(value) is not None and float(value) <= 1


def _latency(value: str) -> tuple[int, int] | None:
    found = _LATENCY.fullmatch(value)
    if found is None:
        return None
    low, high = int(found[1]), int(found[2] or found[1])
    return (low, high) if low <= high <= MAX_LATENCY_MS else None
