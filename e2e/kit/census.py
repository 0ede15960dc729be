"""What lives in a browser: its realms by kind, and in each the message ports and window listeners that are left.

Chromium alone can tell; objects are counted after a collection, so what nobody holds does not count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.bench.devtools import Devtools, DevtoolsError

PLUGIN_WORKER = "worker blob:null"


def census(browser_socket_url: str) -> dict[str, int]:
    """Counts by ``what kind place``, such as ``realms worker blob:`` or ``ports iframe /host.html``."""
    found: Counter[str] = Counter()
    with Devtools(browser_socket_url) as devtools:
        devtools.attach()
        for session, target in list(devtools.sessions.items()):
            kind = _kind(target)
            if kind is None:
                continue
            found[f"realms {kind}"] += 1
            if kind != PLUGIN_WORKER:  # a plugin's worker goes whole, and its heap takes seconds to look at
                found[f"ports {kind}"] += _instances(devtools, session, "MessagePort")
                found[f"listeners {kind}"] += _listeners(devtools, session)
    return {name: count for name, count in sorted(found.items()) if count}


def _kind(target: Mapping[str, Any]) -> str | None:
    """Type and path of a target; None for the browser's own tabs and frames."""
    url = urlsplit(target["url"])
    if url.scheme in ("http", "https"):
        return f"{target['type']} {url.path}"
    if url.scheme == "blob":  # blob:null/… is an opaque origin's: a cell's
        return f"{target['type']} blob:{'null' if url.path.startswith('null') else ''}"
    return None


def _instances(devtools: Devtools, session: str, name: str) -> int:
    """From a heap snapshot, since Chromium dies of `Runtime.queryObjects` in a worker."""
    try:
        chunks = devtools.gather("HeapProfiler.takeHeapSnapshot", "HeapProfiler.addHeapSnapshotChunk", session)
    except DevtoolsError:  # it ended meanwhile
        return 0
    snapshot = json.loads("".join(chunk["chunk"] for chunk in chunks))
    fields = snapshot["snapshot"]["meta"]["node_fields"]
    types = snapshot["snapshot"]["meta"]["node_types"][fields.index("type")]
    numbers, width = snapshot["nodes"], len(fields)
    wanted = (types.index("object"), types.index("native"))
    return sum(
        numbers[at + fields.index("type")] in wanted and snapshot["strings"][numbers[at + fields.index("name")]] == name
        for at in range(0, len(numbers), width)
    )


def _listeners(devtools: Devtools, session: str) -> int:
    try:
        scope = devtools.ask("Runtime.evaluate", session, expression="globalThis")["result"]["objectId"]
        listeners = devtools.ask("DOMDebugger.getEventListeners", session, objectId=scope)["listeners"]
    except (DevtoolsError, KeyError):  # as above; a worker has no DOMDebugger
        return 0
    return len(listeners)
