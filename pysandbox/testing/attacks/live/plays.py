"""All attacks, in the order in which they are made."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.live.gateway.attack import MOVES
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.plays_egress import EGRESS, EVALUATION
from pysandbox.testing.attacks.live.plays_port import EXHAUSTION, MESSAGES
from pysandbox.testing.attacks.live.plays_realm import CLOCKS, ESCALATION, PROTOTYPES, SECRETS, STORAGE, WINDOW

BROWSER: Final[tuple[Play, ...]] = (
    *EGRESS, *EVALUATION, *STORAGE, *WINDOW, *MESSAGES, *PROTOTYPES, *ESCALATION, *SECRETS, *CLOCKS, *EXHAUSTION)
ALL: Final[tuple[Play, ...]] = (*BROWSER, *(move.play for move in MOVES))
