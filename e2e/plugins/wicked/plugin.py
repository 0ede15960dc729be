"""Everything a plugin should not do, one handler each; e2e/limits/rows.py says how each ends."""

from __future__ import annotations

from typing import Any

import cpu  # noqa: F401 - its handlers register themselves, as do the others'
import exits  # noqa: F401
import floods  # noqa: F401
import kept
import loops  # noqa: F401
import memory  # noqa: F401

from pysandbox.plugin import Context, handler


@handler
def good(payload: Any, _ctx: Context) -> Any:
    """What has to work after each of them."""
    return payload


@handler
def remembered(_payload: Any, _ctx: Context) -> list[str]:
    """What earlier invocations in this worker wrote down."""
    return kept.notes
