"""Garbage collection in every page, frame and worker of a browser, over a DevTools connection made for it alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from websockets.sync.client import ClientConnection, connect

ATTACH: Mapping[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
QUIET_S = 0.5
ROUNDS = 2


class _Devtools:
    """Flat sessions over one socket; a target that appears is attached to, and its children in turn."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.sessions: dict[str, str] = {}

    def send(self, method: str, session: str | None = None, **params: Any) -> int:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(message if session is None else message | {"sessionId": session}))
        return self._number

    def drain(self, until: int | None = None, timeout_s: float = QUIET_S) -> None:
        """Handle messages until the answer to `until` came, or nothing more comes for `timeout_s`."""
        while True:
            try:
                message = json.loads(self._socket.recv(timeout_s))
            except TimeoutError:
                return
            if message.get("method") == "Target.attachedToTarget":
                session = message["params"]["sessionId"]
                self.sessions[session] = message["params"]["targetInfo"]["type"]
                self.send("Target.setAutoAttach", session, **ATTACH)
            elif message.get("method") == "Target.detachedFromTarget":
                self.sessions.pop(message["params"]["sessionId"], None)
            elif until is not None and message.get("id") == until:
                return


def collect_garbage(browser_socket_url: str) -> list[str]:
    """Collect in all realms, several times, since one heap's garbage keeps another's alive; answers their types."""
    with connect(browser_socket_url, max_size=None) as socket:
        devtools = _Devtools(socket)
        devtools.send("Target.setAutoAttach", **ATTACH)
        devtools.drain()
        for _ in range(ROUNDS):
            for session in list(devtools.sessions):
                devtools.drain(devtools.send("HeapProfiler.collectGarbage", session), timeout_s=10)
            devtools.drain(devtools.send("Memory.simulatePressureNotification", level="critical"), timeout_s=5)
            time.sleep(0.5)
        return list(devtools.sessions.values())
