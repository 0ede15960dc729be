"""The attacks that this project is tried with, as data: what each tries, what stops it, and the tests that show it."""

from __future__ import annotations

from pysandbox.testing.attacks.catalogue import ATTACKS, attack
from pysandbox.testing.attacks.model import Attack, Control, Group, Observation, Place, Verdict
from pysandbox.testing.attacks.residual import RESIDUAL, Residual

__all__ = [
    "ATTACKS",
    "RESIDUAL",
    "Attack",
    "Control",
    "Group",
    "Observation",
    "Place",
    "Residual",
    "Verdict",
    "attack",
]
