"""The gateway and a vendor's API in one process: prints where they are as one line of JSON, and ends with its stdin."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from e2e.kit.deployment import ROUTE, Deployment, vault_key
from pysandbox.gateway.auth.principal import READ_METRICS
from tests.unit.gateway.fake_dist import write_dist

EXAMPLE = Path(__file__).parents[3] / "examples" / "risk_scoring"
PLENTY = 1_000_000
FORGET_S = 0.5


def main() -> None:
    """Until stdin is closed."""
    name, key = vault_key()
    os.environ[name] = key
    with tempfile.TemporaryDirectory(prefix="pysandbox-soak-") as folder:
        dist, pages = write_dist(Path(folder, "dist")), Path(folder, "pages")
        pages.mkdir()
        with Deployment(
            Path(folder, "data"), [EXAMPLE], dist=dist, pages=pages, session_per_minute=PLENTY,
            plugin_per_minute=PLENTY,
        ) as running:
            running.ask("PUT", f"/api/v2/integrations/proxy/routes/{ROUTE['name']}", {
                **ROUTE, "upstream": running.leads_to("/v1"), "timeoutMs": 2000,
                "rateLimit": {"requestsPerMinute": PLENTY, "burstSize": 100_000, "concurrency": 200},
                "circuitBreaker": {"failures": 20, "baseMs": 100, "maxMs": 500}, "cache": {"ttlSeconds": 1}})
            threading.Thread(target=_forget, args=(running,), daemon=True).start()
            print(json.dumps({
                "api": running.api_origin, "token": running.token, "upstream": running.upstream.authority,
                "metrics": running.server.token(READ_METRICS)}), flush=True)
            sys.stdin.read()


def _forget(running: Deployment) -> None:
    """What the vendor's API notes of its requests is for tests; here it would be the memory that grows."""
    while True:
        time.sleep(FORGET_S)
        running.api.requests.clear()


if __name__ == "__main__":
    main()
