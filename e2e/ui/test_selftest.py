"""The self-test finds every wall standing in each engine, on a gateway and on a server of folders.

And it sees what a shell gives away: a page whose policy was taken off, frames with a bridge, answers that may be read.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import OUTPUT
from e2e.kit.accessibility import complaints
from e2e.kit.deployment import Deployment, vault_key
from e2e.kit.server import LabServer
from pysandbox.gateway.auth.principal import MANAGE_PLUGINS, OPEN_SESSIONS
from pysandbox.gateway.pages import pages_folder
from pysandbox.gateway.selftest import ATTACKER
from pysandbox.testing.browsers import Browser, Page

PATIENCE_S = 90.0
INSIDE = 11
"""Walls that only a plugin can try."""


def report(page: Page) -> dict[str, Any]:
    page.wait_for("globalThis.selftest !== undefined", timeout_s=PATIENCE_S)
    return page.evaluate("() => selftest")


def missing(told: dict[str, Any]) -> list[str]:
    return [f"{row['wall']}: {row['said']}" for row in told["rows"] if row["held"] is False]


@pytest.fixture(scope="module")
def deployment(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*vault_key())
        with Deployment(tmp_path_factory.mktemp("gateway"), [], dist=dist, pages=pages_folder()) as running:
            yield running


def test_every_wall_holds_and_the_attacker_is_gone_again(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.api_origin}/selftest")
    page.wait_for("!document.querySelector('#begin-now').disabled", timeout_s=PATIENCE_S)
    page.evaluate("""(token) => {
      document.querySelector("#token").value = token;
      document.querySelector("#begin-now").click();
    }""", deployment.server.token(OPEN_SESSIONS, MANAGE_PLUGINS))
    told = report(page)
    assert missing(told) == []
    untold = [row["wall"] for row in told["rows"] if row["held"] is None]
    assert set(untold) <= {
        "Each plugin has a process of its own", "The headers of the sandbox's answers arrive as they were sent",
        "The window does not say yes to every wish of a page"}, told["rows"]
    assert len(told["rows"]) >= 6 + INSIDE
    assert deployment.ask("GET", "/api/v2/plugins")["plugins"] == []
    assert page.evaluate("() => document.querySelector('#said').textContent").endswith("cannot be told from here.")


@pytest.mark.one_engine
def test_a_token_that_may_not_manage_plugins_tries_the_window_alone_and_says_why(
    page: Page, deployment: Deployment
) -> None:
    page.goto(f"{deployment.api_origin}/selftest#token={deployment.token}")
    told = report(page)
    assert missing(told) == []
    [row] = [row for row in told["rows"] if row["wall"] == "The attacks inside of the sandbox"]
    assert row["held"] is None
    assert "PERMISSION_DENIED" in row["said"]


def weakened(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: what a shell does that takes the page's policy off, and puts its bridge into every realm."""
    if path.startswith("/selftest") and "Content-Security-Policy" in headers:
        del headers["Content-Security-Policy"]
    bridge = b"globalThis.nativeBridge = { read() {} };"
    if path == "/selftest/bridges.js":
        return bridge + body
    if path == "/selftest/frame.html":
        return body.replace(b"<script>", b"<script>" + bridge)
    if path == "/host.html":
        headers["Access-Control-Allow-Origin"] = "*"
    return body


@pytest.mark.one_engine
def test_control_a_weakened_window_is_seen(page: Page, dist: Path) -> None:
    with LabServer([ATTACKER], dist=dist, change=weakened) as weak:
        page.goto(f"{weak.api_origin}/selftest#token={weak.token}")
        found = missing(report(page))
    assert [row.partition(":")[0] for row in found] == [
        "The page's policy is in force", "Answers of another origin stay closed to the page",
        "No native bridge in inner frames", "No native bridge in workers"]
    assert "nativeBridge" in found[2]


@pytest.mark.chromium_only  # axe-core looks at the page, not at the engine
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide-light", "narrow-dark"])
def test_on_a_server_of_folders_too_and_everybody_can_read_it(
    browser: Browser, dist: Path, width: int, dark: bool
) -> None:
    page = browser.new_page(viewport=(width, 900), dark=dark)
    try:
        with LabServer([ATTACKER], dist=dist) as server:
            page.goto(f"{server.api_origin}/selftest#token={server.token}")
            assert missing(report(page)) == []
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "no wider than its window"
            OUTPUT.mkdir(exist_ok=True)
            page.screenshot(OUTPUT / f"selftest-{width}-{'dark' if dark else 'light'}.png")
            assert complaints(page) == []
    finally:
        page.close()
