"""A headless browser started straight on a URL: no Playwright, no selenium, only the standard library.

For ``pysandbox run`` on a base install: the page itself reports back to the server it came from.
"""

import contextlib
import os
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path

from pysandbox.testing.engines.base import BrowserMissing
from pysandbox.testing.engines.display import virtual_display
from pysandbox.testing.engines.find import Engine, cure, find_browser
from pysandbox.testing.engines.flags import FIREFOX_PREFS, chromium_flags, webkit_environment
from pysandbox.testing.engines.processes import end_group, start_group, temporary_folder


class DirectBrowser:
    """A running browser that nobody steers. ``log`` is what it printed so far, for when it does not report."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log

    def poll(self) -> int | None:
        """The exit status once it has ended by itself, else None."""
        return self._process.poll()

    def log(self, *, last_chars: int = 2000) -> str:
        """The end of its output."""
        return self._log.read_text(errors="replace")[-last_chars:]


@contextlib.contextmanager
def launch_direct(
    engine: Engine, url: str, *, path: Path | None = None, extra_args: Sequence[str] = ()
) -> Generator[DirectBrowser]:
    """Opens ``url`` in a headless browser with a fresh profile; on exit ends its whole group and removes the profile.

    Raises BrowserMissing, with the command that mends it.
    """
    browser = path or find_browser(engine)
    if browser is None:
        raise BrowserMissing(f"no {engine} on this machine; mend it with: {cure(engine)}")
    with contextlib.ExitStack() as stack:
        profile = stack.enter_context(temporary_folder(f"pysandbox-{engine}-"))
        env: dict[str, str] | None = None
        if engine == "webkit":
            env = webkit_environment(stack.enter_context(virtual_display(profile)), profile)
        elif engine == "firefox":
            env = {**os.environ, "HOME": str(profile), "MOZ_HEADLESS": "1"}
            _write_firefox_prefs(profile)
        log = profile / "browser.log"
        process = start_group([str(browser), *_arguments(engine, profile), *extra_args, url], env=env, log=log)
        stack.callback(end_group, process, grace_s=0)  # its profile goes too: there is nothing to save
        yield DirectBrowser(process, log)


def _arguments(engine: Engine, profile: Path) -> list[str]:
    if engine == "chromium":
        return ["--headless=new", f"--user-data-dir={profile}", *chromium_flags()]
    if engine == "firefox":
        return ["--headless", "--no-remote", "--profile", str(profile)]
    return ["--private"]


def _write_firefox_prefs(profile: Path) -> None:
    def literal(value: str | int | bool) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'

    lines = [f'user_pref("{name}", {literal(value)});' for name, value in FIREFOX_PREFS.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
