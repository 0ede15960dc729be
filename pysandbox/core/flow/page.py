"""What a page and the host of its flows agree on; the page has it by `web/protocol.gen.ts`.

Must not know: either of them.
"""

from __future__ import annotations

from typing import Final

FLOWS: Final = "flows"
"""Whom the messages about flows are for, on the page's port; no plugin's handle is called so."""
PREPARE_MS: Final = 5000
"""For the plugins of a flow to be looked up and loaded, where the page does not say."""
MAX_PREPARE_MS: Final = 60_000
HAND_OVER_MS: Final = 2000
"""For the page to route an interaction, after the flow has ended."""
