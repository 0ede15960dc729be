"""`<pysandbox-plugin>`: what a plugin describes is drawn, its buttons and forms reach it, its text stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from e2e.conftest import OUTPUT, PAGES, PLUGINS
from e2e.kit.accessibility import complaints
from e2e.kit.server import LabServer
from pysandbox.core.ui import COMPONENTS
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Browser, Page

PATIENCE_S = 60.0
ROOT = "document.querySelector('#drawn').shadowRoot"
HOSTILE = "<img src=x onerror=window.pwned=1>"
HOSTILE_TREE = {"kind": "column", "children": [
    {"kind": "heading", "text": HOSTILE}, {"kind": "text", "text": HOSTILE}, {"kind": "items", "items": [HOSTILE]},
    {"kind": "table", "caption": HOSTILE, "columns": [HOSTILE], "rows": [[HOSTILE]]},
    {"kind": "button", "text": HOSTILE, "invoke": "draw"},
    {"kind": "choice", "name": "a", "label": HOSTILE, "options": [[HOSTILE, HOSTILE]]},
]}  # fmt: skip


class Drawn:
    """The page of e2e/pages/element.html with its one element."""

    def __init__(self, page: Page, server: DevServer, plugin: str = "test.drawer", payload: object = None) -> None:
        self.page = page
        asked = {"token": server.token, "sandbox": server.sandbox_origin, "plugin": plugin,
                 "payload": json.dumps(payload)}  # fmt: skip
        page.goto(f"{server.api_origin}/pages/element.html#{urlencode(asked)}")
        self.heard(1)

    def heard(self, count: int) -> list[Any]:
        """What the element told, the event's name and its detail, once it is ``count`` things."""
        self.page.wait_for(f"globalThis.told?.length >= {count}", timeout_s=PATIENCE_S)
        return self.page.evaluate("() => told")

    def read(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {{ const root = {ROOT}; return {expression}; }}")

    def press(self, text: str) -> None:
        self.read(f"[...root.querySelectorAll('button')].find((one) => one.textContent === {text!r}).click()")

    def told(self, payload: object) -> Any:
        """What the element tells of being given ``payload``."""
        heard = len(self.page.evaluate("() => told"))
        self.page.evaluate("(payload) => { document.querySelector('#drawn').payload = payload; }", payload)
        return self.heard(heard + 1)[heard]


@pytest.fixture
def drawn(page: Page, lab_server: LabServer) -> Drawn:
    return Drawn(page, lab_server)


def test_each_component_is_drawn_and_a_form_reaches_its_handler(drawn: Drawn) -> None:
    assert drawn.heard(1)[0][0] == "drawn"
    kinds = "[...new Set([...root.querySelectorAll('[part]')].flatMap((one) => [...one.part]))]"
    assert set(COMPONENTS) <= set(drawn.read(kinds))
    assert drawn.read("root.querySelector('table caption').textContent") == "Orders"
    assert drawn.read("[...root.querySelectorAll('h2, h3')].map((one) => one.localName + one.textContent)") == [
        "h2All components", "h2Details"]
    drawn.read("root.querySelector('[name=note]').value = 'two\\nlines'")
    drawn.press("Send")
    assert drawn.heard(2)[1][0] == "drawn"
    assert drawn.read("root.querySelector('[part~=text]').textContent") == repr({
        "payload": {"form": 1},
        "values": {"name": "Mia", "note": "two\nlines", "age": None, "size": 1.5, "tier": "s", "agreed": True}})


def test_a_failure_keeps_what_was_drawn_and_may_be_tried_again(drawn: Drawn) -> None:
    drawn.press("Remove")
    name, error = drawn.heard(2)[1]
    assert (name, error["code"], error["retryable"]) == ("failed", "PLUGIN_ERROR", False)
    assert drawn.read("root.querySelector('[role=alert]').innerText.includes('PLUGIN_ERROR')")
    assert drawn.read("root.querySelector('caption').textContent") == "Orders"
    drawn.press("Try again")
    assert drawn.heard(3)[2][0] == "failed"
    assert drawn.told({"kind": "text", "text": "well"})[0] == "drawn"
    assert drawn.read("root.querySelector('[role=alert]').hidden")


@pytest.mark.parametrize("tree", [
    "<b>text</b>", [{"kind": "text", "text": "a"}], {"kind": "script", "text": "a"}, {"kind": "constructor"},
    {"kind": "text", "text": "a", "onclick": "b"}, {"kind": "button", "text": "a", "invoke": "b c"},
    {"kind": "column", "children": [{"kind": "text", "text": 1}]}, {"kind": "text"},
], ids=str)  # fmt: skip
@pytest.mark.one_engine  # the check is told apart from Python's where nobody has a browser
def test_what_is_no_drawing_is_refused(drawn: Drawn, tree: object) -> None:
    name, error = drawn.told(tree)
    assert (name, error["code"]) == ("failed", "UI_INVALID")
    assert drawn.read("root.querySelector('caption').textContent") == "Orders"


def test_the_focus_stays_where_it_was_and_quick_presses_are_not_lost_in_a_heap(drawn: Drawn) -> None:
    drawn.told({"kind": "button", "text": "Count", "invoke": "count"})
    drawn.read("root.querySelector('button').focus()")
    drawn.read("[1, 2, 3].forEach(() => root.querySelector('[part=button]').click())")
    drawn.heard(3)
    assert drawn.read("root.querySelector('[part=badge]').textContent") == "1 times", "one at a time"
    assert drawn.read("root.activeElement.textContent") == "Count"


def test_a_plugin_may_draw_by_itself(drawn: Drawn) -> None:
    drawn.told({"kind": "button", "text": "Push", "invoke": "pushes"})
    drawn.press("Push")
    heard = drawn.heard(4)
    assert [detail and detail["value"]["text"] for _, detail in heard[2:]] == [None, "returned"]
    assert drawn.read("root.querySelector('[part=text]').textContent") == "returned"


def test_a_removed_element_unloads_its_plugin_and_one_that_moved_does_not(drawn: Drawn) -> None:
    live = "async () => (await sandbox.memory()).plugins.length"
    drawn.page.evaluate("() => document.body.append(document.querySelector('#drawn'))")
    drawn.told({"kind": "text", "text": "moved"})
    assert drawn.page.evaluate(live) == 1
    drawn.page.evaluate("() => document.querySelector('#drawn').remove()")
    drawn.page.wait_for("sandbox.memory().then(({ plugins }) => { globalThis.left = plugins.length }) && left === 0",
                        timeout_s=PATIENCE_S)  # fmt: skip


def lax(path: str, _headers: MutableMapping[str, str], body: bytes) -> bytes:
    """A server's `Change`: the element's one way to text is a careless one."""
    if path != "/pysandbox-element.js":
        return body
    text, count = re.subn(
        r"(\w+)\.append\(\.\.\.(\w+)\)",
        r"\2.forEach((one)=>typeof one=='string'?\1.insertAdjacentHTML('beforeend',one):\1.append(one))", body.decode())
    assert count == 1
    return text.encode()


def images(page: Page, server: DevServer) -> int:
    """How many images a plugin's text has become."""
    drawn = Drawn(page, server, payload=HOSTILE_TREE)
    assert drawn.heard(1)[0][0] == "drawn"
    return drawn.read("root.querySelectorAll('img').length")


def test_what_a_plugin_says_is_text(page: Page, lab_server: LabServer) -> None:
    assert images(page, lab_server) == 0
    assert page.evaluate("() => globalThis.pwned") is None


@pytest.fixture
def careless(dist: Path) -> Iterator[LabServer]:
    with LabServer(PLUGINS, dist=dist, pages=PAGES, change=lax) as running:
        yield running


@pytest.mark.one_engine
def test_control_with_markup_written_it_would_be_elements(page: Page, careless: LabServer) -> None:
    assert images(page, careless) >= 5


@pytest.mark.chromium_only  # axe-core looks at the page, not at the engine
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide-light", "narrow-dark"])
@pytest.mark.parametrize("plugin", ["test.drawer", "com.example.callback"])
def test_everybody_can_use_it(browser: Browser, lab_server: LabServer, plugin: str, width: int, dark: bool) -> None:
    page = browser.new_page(viewport=(width, 900), dark=dark)
    try:
        Drawn(page, lab_server, plugin)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "no wider than its window"
        OUTPUT.mkdir(exist_ok=True)
        page.screenshot(OUTPUT / f"element-{plugin}-{width}-{'dark' if dark else 'light'}.png")
        assert complaints(page) == []
    finally:
        page.close()


@pytest.mark.chromium_only  # its driver has a keyboard
def test_the_example_is_used_by_keyboard_alone(page: Page, lab_server: LabServer) -> None:
    drawn = Drawn(page, lab_server, "com.example.callback", {"customer": "Mia"})
    keys: Any = page.native.keyboard
    press: Callable[[str], None] = keys.press
    press("Tab")
    keys.insert_text("+49 30 1234567")
    press("Tab")
    press("ArrowDown")
    press("Tab")
    press("Enter")
    drawn.heard(2)
    assert drawn.read("root.querySelector('dd').textContent") == "+49 30 1234567 at 12:15"
