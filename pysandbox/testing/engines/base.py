"""What a driven browser and its pages can do, whatever the engine.

Values cross as JSON text made in the page, so that each engine gives back the same thing for the same script.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pysandbox.testing.engines.find import Engine, cure, find_browser

POLL_S = 0.025


class EngineError(RuntimeError):
    """The browser did not start, or stopped answering."""


class BrowserMissing(EngineError):
    """This machine has no browser of that engine. The message holds the command that brings it."""


class PageError(RuntimeError):
    """A script in the page threw; the message is the page's own error."""


class Page(ABC):
    """One tab. ``native`` is the engine's own handle, for what only that engine can do."""

    native: Any

    @abstractmethod
    def goto(self, url: str, *, timeout_s: float = 30) -> None:
        """Navigates and waits for the load event."""

    @abstractmethod
    def screenshot(self, path: Path | str) -> None:
        """Writes a PNG of what the window shows."""

    @abstractmethod
    def errors(self) -> list[str]:
        """Uncaught errors since the last ``goto``. WebKit shows only those after the load event."""

    @abstractmethod
    def close(self) -> None:
        """Closes the tab; the browser stays."""

    @abstractmethod
    def run_script(self, function: str, timeout_s: float) -> str:
        """Calls an async function of no arguments that resolves to a string; never itself subject to the page's CSP."""

    def evaluate(self, function: str, arg: Any = None, *, timeout_s: float = 30) -> Any:
        """Calls ``function``, the source of a JavaScript function (sync or async), with ``arg``; both ways JSON.

        Raises PageError when it throws, and when its promise has not settled after ``timeout_s``.
        """
        answer = json.loads(self.run_script(_guarded(function, arg, timeout_s), timeout_s))
        if "error" in answer:
            raise PageError(answer["error"])
        return answer["value"]

    def wait_for(self, expression: str, *, timeout_s: float = 10) -> None:
        """Waits until the JavaScript expression is true; what throws counts as not yet. Raises TimeoutError."""
        end = time.monotonic() + timeout_s
        last = "was false"
        while time.monotonic() < end:
            try:
                if self.evaluate(f"() => Boolean({expression})", timeout_s=timeout_s):
                    return
            except PageError as error:
                last = str(error)
            time.sleep(POLL_S)
        raise TimeoutError(f"after {timeout_s} s still not true: {expression} ({last})")


class Browser(ABC):
    """A running browser. Use it as a context manager."""

    engine: Engine
    version: str

    @staticmethod
    def launch(engine: Engine, *, headless: bool = True, extra_args: Sequence[str] = ()) -> "Browser":
        """Starts this machine's browser of that engine. Raises BrowserMissing, with the command that mends it.

        ``headless=False`` shows a window in Chromium and Firefox; WebKitGTK always draws on a virtual display.
        """
        path = find_browser(engine)
        if path is None:
            raise BrowserMissing(f"no {engine} on this machine; mend it with: {cure(engine)}")
        if engine == "webkit":
            from pysandbox.testing.engines.webkit import WebKitBrowser  # noqa: PLC0415 - the testing extra's

            return WebKitBrowser(path, extra_args=extra_args)
        from pysandbox.testing.engines.playwright_engine import PlaywrightBrowser  # noqa: PLC0415 - the testing extra's

        return PlaywrightBrowser(engine, path, headless=headless, extra_args=extra_args)

    @abstractmethod
    def new_page(self, *, fresh: bool = True, viewport: tuple[int, int] = (1280, 800), dark: bool = False) -> Page:
        """Opens a tab. A fresh one shares no cookie, storage or cache with others (WebKit: shares its session's)."""

    @abstractmethod
    def pids(self) -> list[int]:
        """Every live process of this browser, its first included; no driver."""

    @abstractmethod
    def close(self) -> None:
        """Ends the browser and all its processes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _guarded(function: str, arg: Any, timeout_s: float) -> str:
    """An async function of no arguments: runs ``function`` within its time and puts what came of it into JSON."""
    return f"""async () => {{
      let timer;
      const late = new Promise((_, reject) => {{
        timer = setTimeout(() => reject(new Error("no answer from the page within {timeout_s} s")), {timeout_s * 1000});
      }});
      try {{
        const value = await Promise.race([({function})({json.dumps(arg)}), late]);
        return JSON.stringify({{ value: value === undefined ? null : value }});
      }} catch (error) {{
        const stack = error && error.stack ? String(error.stack) : "";
        const text = String(error);
        return JSON.stringify({{ error: stack.includes(text) ? stack : text + "\\n" + stack }});
      }} finally {{
        clearTimeout(timer);
      }}
    }}"""
