"""The playground of `pysandbox dev` follows a folder, calls its plugin, explains, edits, and runs nobody's text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import OUTPUT
from e2e.kit.accessibility import complaints
from pysandbox.cli.dev import address
from pysandbox.gateway import headers, pages
from pysandbox.gateway.dist import Resource, resource
from pysandbox.gateway.playground.routes import Playground
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Browser, Page

pytestmark = pytest.mark.one_engine
PATIENCE_S = 60.0
HOSTILE = "<img src=x onerror=window.pwned=1>"
PLUGIN = f"""from pysandbox.plugin import handler


@handler
async def greet(payload, ctx):
    session = await ctx.call("webchat:session:read", {{"fields": ["tier"]}})
    ctx.log.info("greeting {HOSTILE}")
    return {{"text": session["tier"] + payload["name"]}}


@handler
def split(payload, ctx):
    return 1 / payload["parts"]
"""
DRAWS = """
from pysandbox.plugin import handler, ui


@handler
def draw(payload, ctx):
    return ui.column(ui.text(payload["payload"]), ui.button("More", invoke="draw", payload="again"))


@handler
def odd(payload, ctx):
    return {"kind": "of thing"}
"""
MANIFEST: dict[str, Any] = {
    "pluginId": "test.greeting",
    "version": "1.0.0",
    "manifest": {
        "type": "webchat",
        "entry": "plugin",
        "csp": "default-src 'none'",
        "permissions": ["webchat:session:read"],
        "isolation": {"mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 30000},
    },
}
read = pages.read_page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "greeting"
    folder.mkdir()
    (folder / "plugin.py").write_text(PLUGIN)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST, indent=2))
    (folder / "capabilities.json").write_text('{"webchat:session:read": {"tier": "gold "}}')
    (folder / "input.greet.json").write_text('{"name": "Mia"}')
    return folder


@pytest.fixture
def url(folder: Path, dist: Path) -> Iterator[str]:
    playground = Playground(folder)
    with DevServer(playground.plugins, dist=dist, routes=playground.routes()) as server:
        yield address(server, playground)


def opened(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for("document.querySelector('#said').textContent.startsWith('Loaded')", timeout_s=PATIENCE_S)


def text(page: Page, selector: str) -> str:
    return page.evaluate("(selector) => document.querySelector(selector).textContent", selector)


def call(page: Page, handler: str, payload: object = None) -> None:
    """Choose a handler, type, press the button. Without a payload: with what the page proposes."""
    page.evaluate("""([handler, payload]) => {
      const fill = (id, value, event) => {
        const field = document.getElementById(id);
        field.value = value;
        field.dispatchEvent(new Event(event));
      };
      fill("handler", handler, "change");
      if (payload !== null) fill("payload", payload, "input");
      document.getElementById("go").click();
    }""", [handler, None if payload is None else json.dumps(payload)])


def ended(page: Page, handler: str, word: str) -> None:
    page.wait_for(
        f"document.querySelector('#outcome .pill') && document.querySelector('#outcome').textContent.startsWith("
        f"{f'{word} {handler}'!r})", timeout_s=PATIENCE_S)


def test_what_a_handler_draws_is_shown_and_its_button_calls(page: Page, folder: Path, url: str) -> None:
    (folder / "plugin.py").write_text(DRAWS)
    opened(page, url)
    call(page, "draw", {"payload": "first", "values": {}})
    ended(page, "draw", "ok")
    drawn = "document.querySelector('pysandbox-plugin').shadowRoot.querySelector('[part=text]')?.textContent"
    page.wait_for(f"{drawn} === 'first'", timeout_s=PATIENCE_S)
    page.evaluate("() => document.querySelector('pysandbox-plugin').shadowRoot.querySelector('button').click()")
    page.wait_for(f"{drawn} === 'again'", timeout_s=PATIENCE_S)
    assert "call of draw" in text(page, "#timeline")
    call(page, "odd")
    ended(page, "odd", "ok")
    page.wait_for("document.querySelector('#outcome .hint').textContent.includes('$.kind is not known')",
                  timeout_s=PATIENCE_S)  # fmt: skip
    assert page.evaluate("() => document.querySelector('pysandbox-plugin')") is None


def test_from_a_saved_input_to_a_mended_plugin(page: Page, folder: Path, url: str) -> None:
    opened(page, url)
    call(page, "greet")
    ended(page, "greet", "ok")
    assert '"gold Mia"' in text(page, "#outcome")
    assert not ran(page), "what a plugin says is text"
    assert "page answers webchat:session:read" in text(page, "#timeline")
    call(page, "split", {"parts": 0})
    ended(page, "split", "PLUGIN_ERROR")
    page.wait_for("document.querySelector('#log .own')", timeout_s=PATIENCE_S)
    at = PLUGIN[: PLUGIN.index("    return 1 /")].count("\n") + 1
    assert text(page, "#log .own") == f"plugin.py:{at}"
    (folder / "plugin.py").write_text(PLUGIN.replace("1 / payload", "2 + payload").replace("def split", "def mended"))
    page.wait_for("document.querySelector('#handler option[value=mended]')", timeout_s=PATIENCE_S)
    assert page.evaluate("() => document.querySelector('#source').value") == (folder / "plugin.py").read_text()
    call(page, "mended", {"parts": 1})
    ended(page, "mended", "ok")
    page.wait_for("document.querySelector('#memory svg')", timeout_s=PATIENCE_S)
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(OUTPUT / "playground.png")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST, indent=2).replace('"csp"', '"cps"'))
    page.wait_for("document.querySelector('#problems li')", timeout_s=PATIENCE_S)
    assert "manifest.json:7" in text(page, "#problems")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST, indent=2))
    page.wait_for("!document.querySelector('#problems-none').hidden", timeout_s=PATIENCE_S)
    assert page.evaluate("() => document.querySelector('#payload').value") == '{"parts": 1}', "inputs are kept"


def test_it_asks_and_says_why_it_was_denied(page: Page, folder: Path, url: str) -> None:
    (folder / "capabilities.json").unlink()
    opened(page, url)
    call(page, "greet")
    page.wait_for("!document.querySelector('#asked').hidden", timeout_s=PATIENCE_S)
    page.evaluate("""() => {
      document.querySelector("#asked textarea").value = '{"tier": "asked "}';
      document.querySelector("#asked button").click();
    }""")
    ended(page, "greet", "ok")
    assert "asked Mia" in text(page, "#outcome")
    page.evaluate("() => document.getElementById('source').focus()")
    call(page, "greet")
    page.wait_for("!document.querySelector('#asked').hidden", timeout_s=PATIENCE_S)
    assert page.evaluate("() => document.activeElement.id") == "source", "the next space typed there allows nothing"
    page.evaluate("() => [...document.querySelectorAll('#asked button')].at(-1).click()")
    page.wait_for("document.querySelector('.explained')", timeout_s=PATIENCE_S)
    told = text(page, "#outcome")
    assert "revoked" in told
    assert "manifest.json:9" in told, told
    (folder / "plugin.py").write_text(PLUGIN.replace("webchat:session:read", "desktop:window:open"))
    page.wait_for("document.querySelector('#source').value.includes('desktop:window')", timeout_s=PATIENCE_S)
    page.wait_for("!document.querySelector('#go').disabled", timeout_s=PATIENCE_S)
    call(page, "greet")
    page.wait_for("document.querySelector('.explained')?.textContent.includes('desktop:window')", timeout_s=PATIENCE_S)
    assert '"permissions": ["webchat:session:read", "desktop:window:open"]' in text(page, ".explained")


@pytest.mark.chromium_only
def test_it_fits_a_narrow_window_and_is_used_by_keyboard(browser: Browser, folder: Path, url: str) -> None:
    page = browser.new_page(viewport=(390, 1000), dark=True)
    try:
        opened(page, url)
        keys = page.native.keyboard
        page.native.locator("#source").focus()
        keys.press("Control+Home")
        keys.press("Tab")
        keys.type("# ctx.remai")
        page.wait_for("document.querySelector('#completions').textContent === 'remaining_ms'", timeout_s=PATIENCE_S)
        keys.press("Control+Space")
        keys.press("Enter")
        assert (folder / "plugin.py").read_text() == PLUGIN, "nothing is written before it is saved"
        keys.press("Control+s")
        page.wait_for("document.querySelector('#file-said').textContent.includes('saved')", timeout_s=PATIENCE_S)
        assert (folder / "plugin.py").read_text() == f"    # ctx.remaining_ms\n{PLUGIN}"
        keys.press("Escape")
        keys.press("Tab")
        assert page.evaluate("() => document.activeElement.id") != "source", "the keyboard is not held"
        page.wait_for("!document.querySelector('#go').disabled", timeout_s=PATIENCE_S)
        page.native.locator("#payload").focus()
        keys.press("Control+Enter")
        ended(page, "greet", "ok")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "no wider than its window"
        page.wait_for("document.querySelector('#memory svg')", timeout_s=PATIENCE_S)
        OUTPUT.mkdir(exist_ok=True)
        page.native.screenshot(path=OUTPUT / "playground-narrow-dark.png", full_page=True)
        assert complaints(page) == []
        assert page.errors() == []
    finally:
        page.close()


def ran(page: Page) -> bool:
    """Whether markup in what the plugin logged became markup of the page."""
    page.wait_for(
        f"globalThis.pwned === 1 || document.querySelector('#log').textContent.includes({HOSTILE!r})",
        timeout_s=PATIENCE_S)
    return page.evaluate("() => globalThis.pwned === 1 || document.querySelectorAll('main img').length > 0")


def lax_read(root: Path, name: str) -> Resource:
    found = read(root, name)
    if not name.endswith("dom.js"):
        return found
    script = (root / name).read_text("utf-8")
    careless = "(child instanceof Node ? node.append(child) : node.insertAdjacentHTML('beforeend', child))"
    return resource(script.replace("node.append(child)", careless).encode(), found.media_type)


def test_control_with_markup_written_and_no_policy_it_would_run(
    page: Page, folder: Path, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "read_page", lax_read)
    lax = {**headers.page(sandbox_origin=""), "Content-Security-Policy": "object-src 'none'"}
    monkeypatch.setattr(headers, "page", lambda **_origins: lax)
    playground = Playground(folder)
    with DevServer(playground.plugins, dist=dist, routes=playground.routes()) as server:
        opened(page, address(server, playground))
        call(page, "greet")
        assert ran(page)
