"""Every attack, in the order of its groups.

A test holds it to the tree: each test that is named here is there, and each number of the list is here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from pysandbox.testing.attacks.groups.deployment import DEPLOYMENT
from pysandbox.testing.attacks.groups.egress import EGRESS
from pysandbox.testing.attacks.groups.exhaustion import EXHAUSTION, SIDE_CHANNELS
from pysandbox.testing.attacks.groups.gateway import GATEWAY
from pysandbox.testing.attacks.groups.messages import MESSAGES, PROTOTYPES
from pysandbox.testing.attacks.groups.process import PROCESS
from pysandbox.testing.attacks.groups.storage_window import STORAGE, WINDOW
from pysandbox.testing.attacks.groups.supply import ESCALATION, LIFECYCLE, SUPPLY_CHAIN
from pysandbox.testing.attacks.model import Attack, Group

_GROUPS: Final = tuple(Group)
ATTACKS: Final[tuple[Attack, ...]] = tuple(sorted((
    *EGRESS, *STORAGE, *WINDOW, *MESSAGES, *PROTOTYPES, *EXHAUSTION, *SIDE_CHANNELS, *SUPPLY_CHAIN, *ESCALATION,
    *LIFECYCLE, *GATEWAY, *PROCESS, *DEPLOYMENT), key=lambda one: _GROUPS.index(one.group)))

LISTED: Final = range(1, 102)
"""The numbers of the first list; what was thought of later goes on from there."""

_BY_SLUG: Final = MappingProxyType({one.slug: one for one in ATTACKS})


def attack(slug: str) -> Attack:
    """The attack of that name. Raises KeyError."""
    return _BY_SLUG[slug]
