"""A quantile sketch that merges: counts of logarithmic buckets, each 2 % wide on both sides.

After Masson, Rim, Lee: "DDSketch", VLDB 2019. Minutes merge into hours and replicas into one figure by adding counts,
and the error stays what it was. Must not know: what is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil, log
from typing import Final

ACCURACY: Final = 0.02
_GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA: Final = log(_GAMMA)
_LEAST: Final = 0.001
"""What is smaller counts as this."""
_MOST: Final = 1e12


def bucket_of(value: float) -> int:
    """The bucket that ``value`` is counted in."""
    return ceil(log(min(max(value, _LEAST), _MOST)) / _LOG_GAMMA)


def value_of(bucket: int) -> float:
    """What stands for every number that is counted in ``bucket``, within `ACCURACY`."""
    return 2 * _GAMMA**bucket / (_GAMMA + 1)


class Sketch:
    """Of numbers that are not negative."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self._counts: Counter[int] = Counter({int(at): count for at, count in (counts or {}).items()})

    def add(self, value: float, times: int = 1) -> None:
        self._counts[bucket_of(value)] += times

    def merge(self, other: Sketch) -> None:
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        return self._counts.total()

    def quantile(self, share: float) -> float | None:
        """The value below which ``share`` (0 to 1) of all lie, within `ACCURACY`; None where there is none."""
        if not self._counts:
            return None
        wanted = share * (self.count - 1)
        seen = 0
        reached = max(self._counts)
        for at, count in sorted(self._counts.items()):
            seen += count
            if seen > wanted:
                reached = at
                break
        return value_of(reached)

    def as_json(self) -> dict[str, int]:
        """By bucket, for storing; `Sketch(...)` reads it back."""
        return {str(at): count for at, count in sorted(self._counts.items())}
