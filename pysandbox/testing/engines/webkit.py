"""WebKitGTK's MiniBrowser, driven by selenium through WebKitWebDriver, on a display of its own.

One browser is one WebDriver session; its pages are windows. It reports no console and no network: pages must tell.
"""

import contextlib
import subprocess
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from pysandbox.testing.engines.base import Browser, BrowserMissing, EngineError, Page
from pysandbox.testing.engines.display import FRAMEBUFFER, virtual_display
from pysandbox.testing.engines.find import cure, find_webkit_driver
from pysandbox.testing.engines.flags import webkit_environment
from pysandbox.testing.engines.framebuffer import Area, read_area
from pysandbox.testing.engines.processes import temporary_folder

SESSION_S = 30.0
# Room for the page's own time-out to answer first, which says more than the driver's.
SCRIPT_SLACK_S = 5.0

_COLLECT_ERRORS = """
  if (!window.__pageErrors) {
    window.__pageErrors = [];
    addEventListener("error", (event) => window.__pageErrors.push(String(event.error || event.message)));
    addEventListener("unhandledrejection", (event) => window.__pageErrors.push(String(event.reason)));
  }
"""
_RUN = "const done = arguments[arguments.length - 1]; (%s)().then(done, (error) => done({ failed: String(error) }));"


class WebKitPage(Page):
    """A window of the session. WebDriver talks to one window at a time, so each command selects its own first."""

    def __init__(self, browser: "WebKitBrowser", handle: str) -> None:
        self.native: Any = browser.native
        self._browser = browser
        self._handle = handle

    def goto(self, url: str, *, timeout_s: float = 30) -> None:
        self._select()
        self.native.set_page_load_timeout(timeout_s)
        try:
            self.native.get(url)
        except TimeoutException as error:
            raise TimeoutError(f"{url} did not load within {timeout_s} s") from error
        self.native.execute_script(_COLLECT_ERRORS)

    def screenshot(self, path: Path | str) -> None:
        self._select()
        Path(path).write_bytes(self._browser.picture())

    def errors(self) -> list[str]:
        return [str(text) for text in self.evaluate("() => window.__pageErrors ?? []")]

    def close(self) -> None:
        self._browser.close_window(self._handle)

    def run_script(self, function: str, timeout_s: float) -> str:
        self._select()
        self.native.set_script_timeout(timeout_s + SCRIPT_SLACK_S)
        try:
            answer: object = self.native.execute_async_script(_RUN % function)
        except TimeoutException as error:
            raise TimeoutError(f"the page's main thread gave no answer within {timeout_s} s") from error
        if not isinstance(answer, str):
            raise EngineError(f"the page answered {answer!r} where a string was expected")
        return answer

    def _select(self) -> None:
        self.native.switch_to.window(self._handle)


class WebKitBrowser(Browser):
    """MiniBrowser under Xvfb, and the session that steers it."""

    engine = "webkit"

    def __init__(self, path: Path, *, extra_args: Sequence[str]) -> None:
        driver = find_webkit_driver()
        if driver is None:
            raise BrowserMissing(f"WebKit needs WebKitWebDriver, which is not here; mend it with: {cure('webkit')}")
        with contextlib.ExitStack() as stack:
            home = stack.enter_context(temporary_folder("pysandbox-webkit-"))
            display = stack.enter_context(virtual_display(home))
            self._framebuffer = home / FRAMEBUFFER
            options = Options()
            options.binary_location = str(path)
            for argument in ("--automation", *extra_args):
                options.add_argument(argument)
            service = Service(executable_path=str(driver), env=webkit_environment(display, home))
            self.native: Any = _create_session(options, service)
            stack.callback(self._quit)
            self._service = service
            self._stack = stack.pop_all()
        self.version = str(self.native.capabilities.get("browserVersion", ""))
        self._spare: str | None = self.native.current_window_handle

    def new_page(self, *, fresh: bool = True, viewport: tuple[int, int] = (1280, 800), dark: bool = False) -> Page:
        if dark:
            raise EngineError("WebDriver cannot ask WebKitGTK for the dark colour scheme")
        del fresh  # a session has one store; pages of one session share it
        if self._spare is None:
            self.native.switch_to.window(self.native.window_handles[0])
            self.native.switch_to.new_window("window")  # a tab behind another counts as hidden: its timers slow down
            handle = self.native.current_window_handle
        else:
            handle, self._spare = self._spare, None
        self.native.switch_to.window(handle)
        self.native.set_window_size(viewport[0], viewport[1] + self._toolbar_px())
        return WebKitPage(self, handle)

    def picture(self) -> bytes:
        """The current window without its toolbar, as PNG: what the screen shows of it."""
        window, toolbar = self.native.get_window_rect(), self._toolbar_px()
        area = Area(window["x"], window["y"] + toolbar, window["width"], window["height"] - toolbar)
        return read_area(self._framebuffer, area)

    def close_window(self, handle: str) -> None:
        """Closes a window; the last one is emptied and kept, since the session would end with it."""
        self.native.switch_to.window(handle)
        if len(self.native.window_handles) > 1:
            self.native.close()
        else:
            self.native.get("about:blank")
            self._spare = handle

    def pids(self) -> list[int]:
        return sorted(child.pid for child in _descendants(self._service.process.pid))

    def close(self) -> None:
        self._stack.close()

    def _toolbar_px(self) -> int:
        inner: int = self.native.execute_script("return innerHeight")
        return self.native.get_window_size()["height"] - int(inner)

    def _quit(self) -> None:
        family = _descendants(self._service.process.pid)
        with contextlib.suppress(WebDriverException):  # a crashed session has nothing left to quit
            self.native.quit()
        _, alive = psutil.wait_procs(family, timeout=3)
        _kill(alive)
        psutil.wait_procs(alive, timeout=3)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _create_session(options: Options, service: Service) -> webdriver.WebKitGTK:
    """Creates the session within a hard deadline: WebKitWebDriver waits for its browser for ever.

    The timer ends the driver, which makes the pending request fail here.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        process: subprocess.Popen[bytes] | None = getattr(service, "process", None)
        if process is not None:
            _kill([*_descendants(process.pid), psutil.Process(process.pid)])

    timer = threading.Timer(SESSION_S, expire)
    timer.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's, about its own call
            return webdriver.WebKitGTK(options=options, service=service)
    except Exception as error:
        why = f"no session within {SESSION_S:.0f} s" if expired.is_set() else str(error)
        raise EngineError(f"WebKitGTK did not start: {why}") from error
    finally:
        timer.cancel()
