import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pysandbox.testing import browsers
from pysandbox.testing.engines import find
from pysandbox.testing.engines.base import Browser, Page
from pysandbox.testing.engines.framebuffer import Area, read_area


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def having(**programs: Path) -> Callable[[str], str | None]:
    named = {name.replace("_", "-"): str(path) for name, path in programs.items()}
    return named.get


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no browser: none in the usual places, an empty Playwright cache."""
    cache = tmp_path / "ms-playwright"
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(cache))
    nothing: dict[find.Engine, tuple[()]] = dict.fromkeys(find.ENGINES, ())
    monkeypatch.setattr(find, "_PLACES", nothing)
    monkeypatch.setattr(find, "_PATTERNS", nothing)
    return cache


@pytest.mark.parametrize("engine", browsers.ENGINES)
def test_a_machine_without_a_browser_has_none(engine: find.Engine) -> None:
    assert browsers.find_browser(engine, which=having()) is None


def test_the_systems_browser_comes_before_playwrights(tmp_path: Path, bare_machine: Path) -> None:
    system = program(tmp_path / "bin/google-chrome")
    downloaded = program(bare_machine / "chromium-1200/chrome-linux64/chrome")
    assert browsers.find_browser("chromium", which=having(google_chrome=system)) == system
    assert browsers.find_browser("chromium", which=having()) == downloaded


def test_the_newest_playwright_build_is_taken(bare_machine: Path) -> None:
    program(bare_machine / "firefox-1490/firefox/firefox")
    newest = program(bare_machine / "firefox-1500/firefox/firefox")
    assert browsers.find_browser("firefox", which=having()) == newest
    assert find.is_playwright_build(newest)


def test_a_file_that_cannot_be_run_is_no_browser(bare_machine: Path) -> None:
    program(bare_machine / "firefox-1500/firefox/firefox").chmod(0o644)
    assert browsers.find_browser("firefox", which=having()) is None


def test_webkit_takes_its_driver_and_a_display_too(tmp_path: Path) -> None:
    mini, driver, display = (program(tmp_path / name) for name in ("MiniBrowser", "WebKitWebDriver", "Xvfb"))
    every = having(MiniBrowser=mini, WebKitWebDriver=driver, Xvfb=display)
    assert browsers.missing_parts("webkit", which=having(MiniBrowser=mini)) == ["WebKitWebDriver", "Xvfb"]
    assert browsers.missing_parts("webkit", which=every) == []


def test_the_cure_is_a_command_that_this_machine_has(tmp_path: Path) -> None:
    apt = having(apt_get=program(tmp_path / "apt-get"))
    assert browsers.cure("webkit", which=apt) == "apt-get update && apt-get install -y webkit2gtk-driver xvfb"
    assert browsers.cure("firefox", which=having()).endswith("-m playwright install firefox")


def test_launching_a_missing_browser_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pysandbox.testing.engines.base.find_browser", lambda _: None)
    with pytest.raises(browsers.BrowserMissing, match=r"no firefox on this machine; mend it with: .*firefox"):
        Browser.launch("firefox")


class OnePage(Page):
    """A page whose scripts end as given."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.scripts: list[str] = []

    def run_script(self, function: str, timeout_s: float) -> str:  # noqa: ARG002 - the interface
        self.scripts.append(function)
        return self.answers.pop(0)

    def goto(self, url: str, *, timeout_s: float = 30) -> None: ...
    def screenshot(self, path: Path | str) -> None: ...
    def errors(self) -> list[str]:
        return []

    def close(self) -> None: ...


def test_evaluate_gives_back_what_the_page_said() -> None:
    assert OnePage('{"value": {"n": [1, null, "é"]}}').evaluate("() => 0") == {"n": [1, None, "é"]}


def test_what_the_page_throws_is_raised_with_its_own_text() -> None:
    with pytest.raises(browsers.PageError, match="TypeError: nope"):
        OnePage('{"error": "TypeError: nope"}').evaluate("() => 0")


def test_an_argument_reaches_the_script_as_a_literal_that_cannot_end_it() -> None:
    page = OnePage('{"value": null}')
    page.evaluate("(x) => x", '"); alert("\u2028')
    assert r'"\"); alert(\"\u2028"' in page.scripts[0]


def test_waiting_takes_an_error_for_not_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pysandbox.testing.engines.base.POLL_S", 0)
    monkeypatch.setattr("time.sleep", lambda _: None)
    page = OnePage('{"error": "ReferenceError: later"}', '{"value": false}', '{"value": true}')
    page.wait_for("later.x")
    assert page.answers == []


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimeoutError, match=r"still not true: later\.x"):
        OnePage().wait_for("later.x", timeout_s=0)


def test_an_area_of_the_screen_becomes_a_png(tmp_path: Path) -> None:
    width, height = 3, 2
    header = [0] * 25
    header[0], header[4], header[5], header[11], header[12], header[19] = 100, width, height, 32, width * 4, 1
    blue_green_red = [bytes((x, y, 200, 0)) for y in range(height) for x in range(width)]
    screen = tmp_path / "screen.xwd"
    screen.write_bytes(struct.pack(">25I", *header) + bytes(12) + b"".join(blue_green_red))
    png = read_area(screen, Area(1, 1, 99, 99))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (2, 1)
    start = png.index(b"IDAT") + 4
    (size,) = struct.unpack(">I", png[start - 8 : start - 4])
    assert zlib.decompress(png[start : start + size]) == bytes((0, 200, 1, 1, 200, 1, 2))
