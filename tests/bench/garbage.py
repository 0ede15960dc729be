"""Garbage collection in every page, frame and worker of a browser."""

from __future__ import annotations

import contextlib
import time

from tests.bench.devtools import Devtools, DevtoolsError

ROUNDS = 2


def collect_garbage(browser_socket_url: str) -> list[str]:
    """Collect in all realms, several times, since one heap's garbage keeps another's alive; answers their types."""
    with Devtools(browser_socket_url) as devtools:
        devtools.attach()
        for _ in range(ROUNDS):
            for session in list(devtools.sessions):
                with contextlib.suppress(DevtoolsError):  # a target without a heap, or one that just went
                    devtools.ask("HeapProfiler.collectGarbage", session)
            with contextlib.suppress(DevtoolsError):
                devtools.ask("Memory.simulatePressureNotification", level="critical", timeout_s=5)
            time.sleep(0.5)
        return [str(target["type"]) for target in devtools.sessions.values()]
