"""The demo page: three plugins answer a message, one of its misbehaviours is shown, and everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.conftest import EXAMPLES, OUTPUT
from e2e.kit.accessibility import complaints
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Browser

PATIENCE_S = 60.0
CONTROL = """() => {
  document.querySelector("#message").labels[0].remove();
  document.querySelector("#message").removeAttribute("placeholder");
}"""


@pytest.fixture(scope="module")
def demo() -> Iterator[DevServer]:
    with DevServer(sorted(path.parent for path in EXAMPLES.glob("*/manifest.json")), with_pages=True) as running:
        yield running


@pytest.mark.chromium_only  # axe-core looks at the page, not at the engine
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide-light", "narrow-dark"])
def test_a_message_is_scored_summed_up_and_masked_by_keyboard_alone(
    browser: Browser, demo: DevServer, width: int, dark: bool
) -> None:
    page = browser.new_page(viewport=(width, 800), dark=dark)
    try:
        page.goto(f"{demo.api_origin}/pages/demo.html#token={demo.token}&sandbox={demo.sandbox_origin}")
        page.wait_for("document.querySelectorAll('#cards > *').length >= 3", timeout_s=PATIENCE_S)
        keys = page.native.keyboard
        page.native.locator("#message").focus()
        keys.insert_text("Please write to mia.keller@example.com, or I cancel.")
        keys.press("Enter")
        page.wait_for("document.querySelectorAll('#calls tr:not(.empty)').length >= 3", timeout_s=PATIENCE_S)
        page.wait_for("document.querySelector('#agent-log .bubble')?.innerText.includes('I cancel')",
                      timeout_s=PATIENCE_S)  # fmt: skip
        assert "mia.keller" not in page.evaluate("() => document.querySelector('#agent-log').innerText")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "no wider than its window"
        OUTPUT.mkdir(exist_ok=True)
        page.screenshot(OUTPUT / f"demo-{width}-{'dark' if dark else 'light'}.png")
        assert complaints(page) == []
        page.evaluate(CONTROL)
        assert any("label" in complaint for complaint in complaints(page)), "it would have said so"
    finally:
        page.close()
