"""A tab of a Chromium that nobody drives but by a DevTools socket: hidden when another is in front, as a user's is.

Playwright's tabs are always visible and never slowed down, and it attaches to every worker there is.
"""

from __future__ import annotations

import base64
import time
from pathlib import Path

from pysandbox.testing.engines.base import EngineError, Page
from tests.bench.browser import Browser
from tests.bench.devtools import Devtools


class DirectPage(Page):
    """A tab of ``browser``, in front from the start. ``native`` is its DevTools connection."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.tab = browser.open_tab("about:blank")
        self.native: Devtools = Devtools(browser.tab_url(self.tab)).__enter__()

    def goto(self, url: str, *, timeout_s: float = 30) -> None:
        self.native.ask("Page.navigate", url=url, timeout_s=timeout_s)
        self.wait_for(f"document.readyState === 'complete' && location.href === {url!r}", timeout_s=timeout_s)

    def screenshot(self, path: Path | str) -> None:
        Path(path).write_bytes(base64.b64decode(self.native.ask("Page.captureScreenshot")["data"]))

    def errors(self) -> list[str]:
        raise EngineError("a page that nobody listens to: no errors are collected")

    def close(self) -> None:
        self.native.__exit__(None, None, None)
        self._browser.close_tab(self.tab)

    def run_script(self, function: str, timeout_s: float) -> str:
        answer = self.native.ask(
            "Runtime.evaluate", expression=f"({function})()", awaitPromise=True, returnByValue=True,
            timeout_s=timeout_s + 30,
        )  # fmt: skip
        if "value" not in answer["result"]:
            raise EngineError(f"the page answered {answer}")
        return answer["result"]["value"]

    def hide(self) -> None:
        """Open another tab in front of it, and wait until it is hidden."""
        self._browser.open_tab("about:blank")
        end = time.monotonic() + 10
        while self.evaluate("() => document.visibilityState") != "hidden":
            if time.monotonic() > end:
                raise EngineError("the tab behind another is still visible")
            time.sleep(0.05)
