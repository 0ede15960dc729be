"""When several calls at once are decided, and by which of them. Shared by the engine and by who performs them."""

from __future__ import annotations

from collections.abc import Sequence

from pysandbox.core.errors import Code, Status
from pysandbox.core.flow.blocks import Join
from pysandbox.core.outcome import Outcome


def is_decided(join: Join, outcomes: Sequence[Outcome | None]) -> bool:
    """Whether nobody needs to wait for those that are still None."""
    there = [outcome for outcome in outcomes if outcome is not None]
    return len(there) == len(outcomes) or any((outcome.error is None) == (join == "first") for outcome in there)


def deciding(join: Join, outcomes: Sequence[Outcome]) -> int:
    """Whose outcome the whole has: the one success or failure that decided it, else a timeout, else the first.

    Calls that were given up never decide while there is another.
    """
    wanted = [index for index, outcome in enumerate(outcomes) if (outcome.error is None) == (join == "first")]
    if not wanted:
        wanted = list(range(len(outcomes)))
    return min(wanted, key=lambda index: (_given_up(outcomes[index]), _rank(outcomes[index]), index))


def _given_up(outcome: Outcome) -> bool:
    return outcome.error is not None and outcome.error.code is Code.PLUGIN_ABORTED


def _rank(outcome: Outcome) -> int:
    return 0 if outcome.status in {Status.OK, Status.TIMEOUT} else 1
