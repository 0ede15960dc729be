"""Plugin folders for tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path

MANIFEST: dict[str, object] = {
    "pluginId": "com.vendor.risk-scoring",
    "version": "2.1.0",
    "manifest": {
        "type": "webchat",
        "workerUrl": "https://cdn.vendor.com/plugins/risk-scoring-2.1.0.zip",
        "entry": "plugin",
        "csp": (
            "default-src 'self'; script-src 'none'; worker-src 'self' https://cdn.vendor.com; "
            "connect-src https://api.gateway.internal https://cdn.vendor.com; frame-src 'none'; object-src 'none'"),
        "permissions": ["webchat:session:read", "integration:proxy:invoke"],
        "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 3000},
    },
}
SOURCE = "from pysandbox.plugin import handler\n\n\n@handler\ndef evaluate(payload, ctx):\n    return payload\n"


def write_plugin(folder: Path, *, version: str = "2.1.0", plugin_id: str = "com.vendor.risk-scoring") -> Path:
    """A plugin folder that passes every check."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {**copy.deepcopy(MANIFEST), "version": version, "pluginId": plugin_id}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "plugin.py").write_text(SOURCE)
    return folder
