"""Chromium and Firefox, driven by Playwright: Chromium over CDP, the stock Firefox over WebDriver BiDi.

Playwright's synchronous API keeps an event loop running in its thread: ``asyncio.run`` does not work beside it there.
"""

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import playwright.sync_api as pw
import psutil

from pysandbox.testing.engines.base import Browser, EngineError, Page
from pysandbox.testing.engines.find import Engine, is_playwright_build
from pysandbox.testing.engines.flags import FIREFOX_PREFS, chromium_flags

LAUNCH_S = 60
MARK = "PYSANDBOX_BROWSER"


class PlaywrightPage(Page):
    """A tab, and the context that it alone uses when fresh."""

    def __init__(self, page: pw.Page, own_context: pw.BrowserContext | None) -> None:
        self.native: pw.Page = page
        self._own_context = own_context
        self._errors: list[str] = []
        page.on("pageerror", lambda error: self._errors.append(str(error)))

    def goto(self, url: str, *, timeout_s: float = 30) -> None:
        self._errors.clear()
        self.native.goto(url, timeout=timeout_s * 1000)

    def screenshot(self, path: Path | str) -> None:
        self.native.screenshot(path=path)

    def errors(self) -> list[str]:
        return list(self._errors)

    def close(self) -> None:
        self.native.close()
        if self._own_context:
            self._own_context.close()

    def run_script(self, function: str, timeout_s: float) -> str:
        del timeout_s  # Playwright cannot give up on a page whose main thread spins; pytest's own time-out does
        answer = self.native.evaluate(function)
        if not isinstance(answer, str):
            raise EngineError(f"the page answered {json.dumps(answer)} where a string was expected")
        return answer


class PlaywrightBrowser(Browser):
    """One browser process tree. Several share Playwright's one driver process."""

    def __init__(self, engine: Engine, path: Path, *, headless: bool, extra_args: Sequence[str]) -> None:
        self.engine = engine
        self._mark = uuid.uuid4().hex
        self._closed = False
        driver = _shared.acquire()
        try:
            self.native = _launch(driver, engine, path, headless, extra_args, {**os.environ, MARK: self._mark})
        except BaseException:
            _shared.release()
            raise
        self.version = self.native.version
        self._common: pw.BrowserContext | None = None

    def new_page(self, *, fresh: bool = True, viewport: tuple[int, int] = (1280, 800), dark: bool = False) -> Page:
        options: dict[str, Any] = {"viewport": {"width": viewport[0], "height": viewport[1]}}
        if dark:
            options["color_scheme"] = "dark"
        if fresh:
            context = self.native.new_context(**options)
            return PlaywrightPage(context.new_page(), context)
        if self._common is None:
            self._common = self.native.new_context(**options)
        return PlaywrightPage(self._common.new_page(), None)

    def pids(self) -> list[int]:
        ours = [process for process in psutil.Process().children(recursive=True) if self._is_ours(process)]
        return sorted(process.pid for process in ours)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.native.close()
        finally:
            _shared.release()

    def _is_ours(self, process: psutil.Process) -> bool:
        """Children inherit the mark, or cannot be read (Chromium's zygotes hide theirs) and have a marked ancestor."""
        try:
            line = [process, *process.parents()]
        except psutil.NoSuchProcess:
            return False
        return any(_mark_of(one) == self._mark for one in line)


class _Shared:
    """The one Playwright driver of this process: started with the first browser, ended with the last."""

    def __init__(self) -> None:
        self._driver: pw.Playwright | None = None
        self._users = 0

    def acquire(self) -> pw.Playwright:
        if self._driver is None:
            self._driver = pw.sync_playwright().start()
        self._users += 1
        return self._driver

    def release(self) -> None:
        self._users -= 1
        if self._users == 0 and self._driver is not None:
            self._driver.stop()
            self._driver = None


_shared = _Shared()


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
        return None


def _launch(
    driver: pw.Playwright, engine: Engine, path: Path, headless: bool, extra_args: Sequence[str], env: dict[str, str]
) -> pw.Browser:
    timeout = LAUNCH_S * 1000
    environment: dict[str, str | float | bool] = {**env}
    try:
        if engine == "chromium":
            return driver.chromium.launch(
                executable_path=path,
                headless=headless,
                args=[*chromium_flags(), *extra_args],
                env=environment,
                timeout=timeout,
            )
        return driver.firefox.launch(
            executable_path=path,
            headless=headless,
            args=list(extra_args),
            channel=None if is_playwright_build(path) else "moz-firefox",
            firefox_user_prefs={**FIREFOX_PREFS},
            env=environment,
            timeout=timeout,
        )
    except pw.Error as error:
        raise EngineError(f"{engine} at {path} did not start: {error.message}") from error
