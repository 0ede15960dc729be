"""Where the browsers of this machine are, and the command that brings a missing one.

Imports nothing beyond the standard library: ``pysandbox run`` and ``pysandbox doctor`` use it on a base install.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

Engine = Literal["chromium", "firefox", "webkit"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver"

_NAMES: dict[Engine, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "chrome"),
    "firefox": ("firefox-esr", "firefox"),
    "webkit": ("MiniBrowser",),
}
_PLACES: dict[Engine, tuple[str, ...]] = {
    "chromium": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
        "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
    ),
    "firefox": (
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        "C:/Program Files/Mozilla Firefox/firefox.exe",
    ),
    "webkit": (),
}
# Debian keeps MiniBrowser in a library folder, named by machine and API version.
_PATTERNS: dict[Engine, tuple[tuple[str, str], ...]] = {
    "chromium": (),
    "firefox": (),
    "webkit": (("/usr/lib", "*/webkit2gtk-4.*/MiniBrowser"), ("/usr/libexec", "webkit2gtk-4.*/MiniBrowser")),
}
_PLAYWRIGHT_PATTERNS: dict[Engine, tuple[str, ...]] = {
    "chromium": tuple(f"chromium-*/chrome-*/{name}" for name in ("chrome", "*.app/Contents/MacOS/*", "chrome.exe")),
    "firefox": tuple(
        f"firefox-*/firefox/{name}" for name in ("firefox", "*.app/Contents/MacOS/firefox", "firefox.exe")
    ),
    "webkit": (),  # Playwright's WebKit speaks a protocol of its own and is not what users run
}
DEBIAN_PACKAGES: dict[Engine, tuple[str, ...]] = {
    "chromium": ("chromium",),
    "firefox": ("firefox-esr",),
    "webkit": ("webkit2gtk-driver", "xvfb"),
}

Which = Callable[[str], str | None]


def playwright_cache() -> Path:
    """The folder that ``playwright install`` fills."""
    set_by_user = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if set_by_user not in ("", "0"):
        return Path(set_by_user)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/ms-playwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ms-playwright"
    return Path.home() / ".cache/ms-playwright"


def find_browser(engine: Engine, *, which: Which = shutil.which) -> Path | None:
    """The browser of that engine on this machine, or None. For WebKit this is MiniBrowser.

    The system's own comes first: it is what users run, and needs no download.
    """
    return next((path for path in _candidates(engine, which) if path.is_file() and os.access(path, os.X_OK)), None)


def missing_parts(engine: Engine, *, which: Which = shutil.which) -> list[str]:
    """What a driven run in that engine lacks here; empty when it can run. WebKit takes a driver and a display too."""
    missing = [] if find_browser(engine, which=which) else [_NAMES[engine][0]]
    if engine == "webkit":
        if not find_webkit_driver(which=which):
            missing.append("WebKitWebDriver")
        if not which("Xvfb"):
            missing.append("Xvfb")
    return missing


def find_webkit_driver(*, which: Which = shutil.which) -> Path | None:
    """WebKitWebDriver, or None."""
    found = which("WebKitWebDriver")
    return Path(found) if found else None


def cure(engine: Engine, *, which: Which = shutil.which) -> str:
    """The command that brings the engine to this machine."""
    if which("apt-get"):
        return "apt-get update && apt-get install -y " + " ".join(DEBIAN_PACKAGES[engine])
    if engine == "webkit":
        return "install WebKitGTK's MiniBrowser and WebKitWebDriver, and Xvfb (Linux only)"
    return f"{Path(sys.executable).name} -m playwright install {engine}"


def is_playwright_build(path: Path) -> bool:
    """Playwright's Firefox is patched and is driven otherwise than a stock one."""
    return path.is_relative_to(playwright_cache())


def _candidates(engine: Engine, which: Which) -> Iterator[Path]:
    for name in _NAMES[engine]:
        found = which(name)
        if found:
            yield Path(found)
    for place in _PLACES[engine]:
        yield Path(place)
    for root, pattern in _PATTERNS[engine]:
        yield from sorted(Path(root).glob(pattern), reverse=True)
    for pattern in _PLAYWRIGHT_PATTERNS[engine]:
        yield from sorted(playwright_cache().glob(pattern), reverse=True)
