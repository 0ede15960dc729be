"""The driver itself: the same script gives the same answer in each engine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

from pysandbox.testing.browsers import Browser, Page, PageError

PAGE = "data:text/html,<!doctype html><title>t</title><body>hello"


def test_values_cross_as_json(page: Page) -> None:
    page.goto(PAGE)
    value = {"text": 'é "quoted" \u2028 </script>', "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
    assert page.evaluate("async (x) => x", value) == value
    assert page.evaluate("() => undefined") is None


@pytest.mark.parametrize("script", ["() => { throw new TypeError('no') }", "() => Promise.reject(new TypeError('no'))"])
def test_what_a_script_throws_is_raised(page: Page, script: str) -> None:
    page.goto(PAGE)
    with pytest.raises(PageError, match="TypeError: no"):
        page.evaluate(script)


def test_a_promise_that_never_settles_ends_at_its_time(page: Page) -> None:
    page.goto(PAGE)
    with pytest.raises(PageError, match=r"no answer from the page within 0\.2 s"):
        page.evaluate("() => new Promise(() => {})", timeout_s=0.2)


class FailingPage(BaseHTTPRequestHandler):
    """A page with a script of its own and no policy: a data: address may inherit the policy of the page before it."""

    def do_GET(self) -> None:
        body = b"<!doctype html><script>function fail() { setTimeout(() => { throw new Error('boom') }) }</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test's output is the test's."""


def test_uncaught_errors_are_collected_until_the_next_page(page: Page) -> None:
    with HTTPServer(("127.0.0.1", 0), FailingPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate("() => new Promise((resolve) => { fail(); setTimeout(resolve, 50); })")
        server.shutdown()
    assert any("boom" in text for text in page.errors())
    page.goto(PAGE)
    assert page.errors() == []


def test_pages_stand_beside_each_other(browser: Browser, page: Page) -> None:
    page.goto(PAGE)
    page.evaluate("() => { window.mark = 1; }")
    other = browser.new_page(viewport=(500, 600))
    other.goto(PAGE)
    assert other.evaluate("() => [window.mark ?? null, innerWidth, innerHeight]") == [None, 500, 600]
    other.close()
    assert page.evaluate("() => window.mark") == 1


def test_its_processes_are_its_own_and_alive(browser: Browser, page: Page) -> None:
    page.goto(PAGE)
    ours = set(browser.pids())  # one of Firefox's may end between two looks
    names = [process.name() for process in psutil.process_iter() if process.pid in ours]
    assert len(names) >= 3, names
    assert not [name for name in names if name.startswith(("node", "Xvfb", "python", "WebKitWebDriver"))]


def test_a_screenshot_is_a_png_of_the_viewport(page: Page, tmp_path) -> None:
    page.goto(PAGE)
    page.screenshot(tmp_path / "page.png")
    png = (tmp_path / "page.png").read_bytes()
    size = page.evaluate("() => [innerWidth, innerHeight]")
    assert [int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")] == size, json.dumps(size)
