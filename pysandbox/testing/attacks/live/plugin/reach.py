# ruff: noqa: INP001  # a plugin's folder, not a package; its functions' names say what they try
"""What of the browser can be reached from Python's heap by attributes alone. Depth is bounded, and so is the number."""

from __future__ import annotations

from typing import Any

from evaluators import heap_proxies

WANTED = (
    "fetch", "XMLHttpRequest", "WebSocket", "WebTransport", "EventSource", "Worker", "SharedWorker", "importScripts",
    "indexedDB", "caches", "BroadcastChannel", "document", "parent", "opener", "localStorage", "navigator", "eval",
    "OffscreenCanvas", "SharedArrayBuffer", "postMessage",
)
ON_THE_WAY = ("constructor", "prototype", "globalThis", "self", "window", "global", "view", "target", "port", "_module")
MAX_VISITS = 400
DEPTH = 4


def reachable() -> list[str]:
    """``start.way.name`` for each of `WANTED` that is there."""
    found: set[str] = set()
    pending: list[tuple[str, Any, int]] = [(type(proxy).__name__, proxy, 0) for proxy in heap_proxies()]
    visits = 0
    while pending and visits < MAX_VISITS:
        path, value, depth = pending.pop(0)
        visits += 1
        for name in WANTED:
            if _attribute(value, name) is not None:
                found.add(f"{path}.{name}")
        if depth < DEPTH:
            pending += [
                (f"{path}.{name}", below, depth + 1)
                for name in ON_THE_WAY if type(below := _attribute(value, name)).__name__.startswith("Js")]
    return sorted(found)[:50]


def _attribute(value: Any, name: str) -> Any:
    if not type(value).__name__.startswith("Js"):
        return None
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  # a getter that refuses has nothing for us
        return None
