"""How the runner speaks with a page: the page posts what it found and is answered with its next command."""

from __future__ import annotations

import asyncio
import queue
import secrets
from collections.abc import Mapping
from typing import Any


class PageError(Exception):
    """The page reported a failure, or nothing at all in time."""


class Channel:
    """One page's line. The runner's thread uses `receive` and `send`; the server's loop uses `exchange`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.run = secrets.token_hex(8)
        self._loop = loop
        self._reports: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self._commands: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()

    def receive(self, timeout_s: float = 120) -> Any:
        """The page's next report; raises PageError when it failed or says nothing."""
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            raise PageError(f"the page said nothing for {timeout_s:.0f} s") from None
        if "error" in report:
            raise PageError(str(report["error"]))
        return report["value"]

    def send(self, name: str, **options: Any) -> None:
        """Give the page its next command."""
        self._put({"name": name, "options": options})

    def ask(self, name: str, *, timeout_s: float = 120, **options: Any) -> Any:
        """Give a command and wait for its report."""
        self.send(name, **options)
        return self.receive(timeout_s)

    def end(self) -> None:
        """Tell the page that nothing more comes."""
        self._put(None)

    def _put(self, command: Mapping[str, Any] | None) -> None:
        self._loop.call_soon_threadsafe(self._commands.put_nowait, command)

    async def exchange(self, report: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Take a report from the page; wait for the next command, None at the end."""
        self._reports.put(report)
        return await self._commands.get()
