"""What the page may ask of the desktop. Each is a slot of its own: small, judged here, never a way to run things."""

from __future__ import annotations

import json

from PyQt6.QtCore import QObject, pyqtSignal, pyqtSlot

CUSTOMER = {"tier": "gold", "language": "en", "openTickets": 2, "accountNumber": "4711"}
"""Stands for the desktop's own records."""
READABLE = ("tier", "language", "openTickets")


class Native(QObject):
    """The object that the page knows as ``native``. What it is told by the page is text, and may be wrong."""

    asked = pyqtSignal(str)
    scored = pyqtSignal(str)

    def __init__(self, token: str, sandbox_origin: str) -> None:
        super().__init__()
        self._token, self._sandbox_origin = token, sandbox_origin
        self.log: list[str] = []

    @pyqtSlot(result=str)
    def session(self) -> str:
        """What the page opens the sandbox with."""
        return json.dumps({"token": self._token, "origin": self._sandbox_origin})

    @pyqtSlot(str, result=str)
    def read(self, plugin_id: str) -> str:
        """``webchat:session:read``: the fields that plugins may see, out of the desktop's own record."""
        self.log.append(plugin_id[:200])
        self.asked.emit(f"{plugin_id[:200]} read {', '.join(READABLE)}")
        return json.dumps({name: CUSTOMER[name] for name in READABLE})

    @pyqtSlot(str)
    def finished(self, told: str) -> None:
        """The page is through: the outcome's status and value, and whether a frame has the bridge."""
        self.scored.emit(told)
