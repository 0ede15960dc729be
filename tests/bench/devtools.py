"""A DevTools connection made for one purpose: to every page, frame and worker of a browser, or to one tab."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

ATTACH: Mapping[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
QUIET_S = 0.5


class DevtoolsError(RuntimeError):
    """A command was refused, or not answered in time."""


class Devtools:
    """Flat sessions over one socket; with `attach`, all there is and what appears later. A context manager.

    ``sessions``: session id to what it is attached to, with ``type`` and ``url``.
    """

    def __init__(self, socket_url: str) -> None:
        self._url = socket_url
        self._number = 0
        self._socket: ClientConnection
        self._keeps = ""
        self._kept: list[dict[str, Any]] = []
        self.sessions: dict[str, Mapping[str, Any]] = {}

    def __enter__(self) -> Self:
        self._socket = connect(self._url, max_size=None).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.__exit__(kind, error, trace)

    def attach(self) -> None:
        """Attach to everything; a target that appears is attached to, and its children in turn."""
        self.send("Target.setAutoAttach", **ATTACH)
        self._listen(None, QUIET_S)

    def send(self, method: str, session: str | None = None, **params: Any) -> int:
        """Send a command and do not wait; its number."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(message if session is None else message | {"sessionId": session}))
        return self._number

    def ask(self, method: str, session: str | None = None, *, timeout_s: float = 10, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result. Raises DevtoolsError."""
        answer = self._listen(self.send(method, session, **params), timeout_s)
        if answer is None or "error" in answer:
            raise DevtoolsError(f"{method}: {'no answer' if answer is None else answer['error']}")
        return answer["result"]

    def gather(self, method: str, event: str, session: str, **params: Any) -> list[dict[str, Any]]:
        """Like `ask`; the parameters of each ``event`` that came before the answer. Raises DevtoolsError."""
        self._kept, self._keeps = [], event
        try:
            self.ask(method, session, timeout_s=30, **params)
        finally:
            self._keeps = ""
        return self._kept

    def _listen(self, until: int | None, timeout_s: float) -> dict[str, Any] | None:
        """Handle messages until the answer to ``until`` came, or for ``timeout_s`` (of silence, with None) none."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                message = json.loads(self._socket.recv(timeout_s if until is None else max(0, end - time.monotonic())))
            except TimeoutError:
                return None
            if message.get("method") == "Target.attachedToTarget":
                session = message["params"]["sessionId"]
                self.sessions[session] = message["params"]["targetInfo"]
                self.send("Target.setAutoAttach", session, **ATTACH)
            elif message.get("method") == "Target.detachedFromTarget":
                self.sessions.pop(message["params"]["sessionId"], None)
            elif self._keeps and message.get("method") == self._keeps:
                self._kept.append(message["params"])
            elif until is not None and message.get("id") == until:
                return message
