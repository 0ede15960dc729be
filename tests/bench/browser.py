"""A Chromium of our own for one session, driven over its DevTools HTTP endpoint, which opens tabs without attaching.

Playwright would attach to every page, frame and worker and hold each at its start, which costs the most where there are
most of them; so it is not used here.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from websockets.sync.client import connect

from pysandbox.testing.browsers import DirectBrowser, EngineError, launch_direct

FLAGS = ("--disable-extensions", "--disable-gpu", "--remote-debugging-port=0", "--remote-allow-origins=*")
ALWAYS_IN_FRONT = (
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


class Browser:
    """One browser with a fresh profile, gone at the end. `net_log` is a file for Chromium's own network log.

    `throttled`: tabs behind another are hidden and slowed down, as they are for users.
    """

    def __init__(self, *, net_log: Path | None = None, throttled: bool = False, extra_args: Sequence[str] = ()) -> None:
        logging = [] if net_log is None else [f"--log-net-log={net_log}"]
        front = () if throttled else ALWAYS_IN_FRONT
        self._stack = contextlib.ExitStack()
        self._launch = launch_direct("chromium", "about:blank", extra_args=[*FLAGS, *front, *logging, *extra_args])
        self._process: DirectBrowser
        self._devtools = ""

    @property
    def pid(self) -> int:
        """The browser process, root of all the others."""
        return self._process.pid

    def version(self) -> str:
        """Product and version as the browser says them."""
        return str(self._get("/json/version")["Browser"])

    def open_tab(self, url: str) -> str:
        """Open a tab in front; answer its id."""
        return str(self._get(f"/json/new?{urllib.parse.quote(url, safe='')}", method="PUT")["id"])

    def close_tab(self, tab: str) -> None:
        """Close a tab."""
        self._request(f"/json/close/{tab}")

    def devtools_url(self) -> str:
        """The web socket of the whole browser."""
        return str(self._get("/json/version")["webSocketDebuggerUrl"])

    def tab_url(self, tab: str) -> str:
        """The web socket of one tab."""
        return f"{self._devtools.replace('http', 'ws', 1)}/devtools/page/{tab}"

    def _get(self, path: str, method: str = "GET") -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self._request(path, method)))

    def _request(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(self._devtools + path, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Self:
        self._process = self._stack.enter_context(self._launch)
        deadline = time.monotonic() + 60
        while not (found := re.search(r"DevTools listening on ws://([0-9.:]+)/", self._process.log())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = self._process.log()
                self._stack.close()
                raise EngineError(f"Chromium did not start: {told}")
            time.sleep(0.05)
        self._devtools = f"http://{found[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to close, so that its files are whole; then whatever is left is ended."""
        with contextlib.suppress(OSError):  # it is gone already
            with connect(self.devtools_url()) as socket:
                socket.send(json.dumps({"id": 1, "method": "Browser.close"}))
            deadline = time.monotonic() + 10
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
        self._stack.close()
