"""Bytes on the wire from Chromium's own network log: every frame and every worker, whichever server answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def parsed_log(text: str) -> dict[str, Any]:
    """The log as JSON; a browser that was ended early leaves the list of events open."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(text.rstrip().rstrip(",") + "]}")


def received_bytes(log: Path) -> int:
    """Sum of what sockets received, headers included."""
    parsed = parsed_log(log.read_text(errors="replace"))
    kind = parsed["constants"]["logEventTypes"]["SOCKET_BYTES_RECEIVED"]
    return sum(event["params"]["byte_count"] for event in parsed["events"] if event["type"] == kind)
