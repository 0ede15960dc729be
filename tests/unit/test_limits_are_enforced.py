"""No limit of the table stands there for nothing. It reads the whole tree, so it is no test of the core."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

from pysandbox.core.limits import LIMITS

ROOT = Path(__file__).parents[2]
PARTS = ("host", "plugin", "gateway", "runtime", "core", "core/broker")


def test_every_limit_is_read_by_the_code_that_enforces_it() -> None:
    """What the TypeScript side reads is written out by `pysandbox.runtime.generate`."""
    sources = "".join(
        path.read_text(encoding="utf-8") for path in chain(
            *((ROOT / "pysandbox" / part).glob("*.py") for part in PARTS))
        if path.name not in {"reference.py", "limits.py"})
    read = set(re.findall(r"""(?:limit|default|hit|ceiling)\(f?["'](\w+)["']|LIMITS\[["'](\w+)["']\]""", sources))
    named = {name for pair in read for name in pair if name}
    assert set(LIMITS) - named == {"maxExecutionTimeMs"}  # a field of the manifest, by another name
