"""One small driver for three engines: Chromium, Firefox and WebKitGTK, as users have them.

    with Browser.launch("firefox") as browser:
        page = browser.new_page()
        page.goto(url)
        assert page.evaluate("async (n) => n + 1", 1) == 2

Finding a browser and ``launch_direct`` need the base install only; ``Browser.launch`` needs the ``testing`` extra.
What a page shows is the page's business: there are no clicks or selectors here, ``evaluate`` reaches everything.
"""

from pysandbox.testing.engines.base import Browser, BrowserMissing, EngineError, Page, PageError
from pysandbox.testing.engines.direct import DirectBrowser, launch_direct
from pysandbox.testing.engines.find import ENGINES, Engine, cure, find_browser, missing_parts

__all__ = [
    "ENGINES",
    "Browser",
    "BrowserMissing",
    "DirectBrowser",
    "Engine",
    "EngineError",
    "Page",
    "PageError",
    "cure",
    "find_browser",
    "launch_direct",
    "missing_parts",
]
