"""The names that figures are kept under. A page makes up queues, environments and codes as it likes: a day has so many.

Must not know: SQL, records.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

MOST_NAMES: Final = 500
"""Of a kind, for a tenant and a day, in each replica since its start."""
OTHERS: Final = "(other)"
_DAY_MS: Final = 24 * 3600 * 1000


class Names:
    """Who came first keeps its name; whoever comes beyond `MOST_NAMES` is counted together with the others."""

    def __init__(self) -> None:
        self._day = 0
        self._seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def of(self, tenant: str, kind: str, name: str, now_ms: int) -> str:
        """The name to count ``name`` under."""
        if self._day != now_ms // _DAY_MS:
            self._day = now_ms // _DAY_MS
            self._seen.clear()
        seen = self._seen[tenant, kind]
        if name not in seen and len(seen) >= MOST_NAMES:
            return OTHERS
        seen.add(name)
        return name
