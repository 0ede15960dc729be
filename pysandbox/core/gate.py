"""What the gate on a plugin's port lets through, from the plugin's budgets. The gate itself is worker/gate.ts.

It counts and scans before Python sees anything, so its bounds lie a little outside of those that Python then checks
with a word to the plugin's author: the envelope nests the payload, the first questions come before any credit, and
buffers cost nothing to hold back once they are there.
"""

from __future__ import annotations

from collections.abc import Callable

from pysandbox.core.limits import LIMITS

SLACK_MESSAGES = 8  # replies to our own first questions, before any credit was given back
ENVELOPE_LEVELS = 2
ENVELOPE_FACTOR = 2  # a payload of the allowed length, escaped and wrapped


def gate_limits(limit: Callable[[str], int]) -> dict[str, int]:
    """The gate's bounds by its own names. ``limit(name)`` gives a budget of `pysandbox.core.limits`."""
    return {
        "credit": limit("creditMessages") + SLACK_MESSAGES, "maxChars": limit("messageChars") * ENVELOPE_FACTOR,
        "maxDepth": limit("messageDepth") + ENVELOPE_LEVELS, "maxBuffers": LIMITS["messageBuffers"].ceiling,
        "maxBufferBytes": LIMITS["bufferBytes"].ceiling,
    }  # fmt: skip
