"""What axe-core has to say against a page: https://github.com/dequelabs/axe-core, run in the page as it stands."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pysandbox.testing.browsers import Page

RUN = """async () => (await axe.run(document)).violations.flatMap(({ id, impact, help, nodes }) =>
  nodes.map(({ html }) => `${impact}: ${id}: ${help}: ${html.slice(0, 200)}`))"""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def complaints(page: Page) -> list[str]:
    """Every rule of axe-core's that an element of a Chromium page breaks, of whatever weight."""
    page.native.evaluate(f"{_axe()};0")  # as the inspector does, so that the page's policy stays as it is
    return page.native.evaluate(RUN)
