"""Who takes part: each subject names itself and the page that a tab opens for it."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from typing import Protocol

from tests.bench.browser import Browser
from tests.bench.channel import Channel
from tests.bench.server import BenchServer


class Subject(Protocol):
    """One way to run Python plugins in a page."""

    @property
    def name(self) -> str:
        """The key in results.json."""
        ...

    @property
    def label(self) -> str:
        """What a reader sees."""
        ...

    @property
    def page(self) -> str:
        """Path of its page on the bench server."""
        ...

    def settings(self) -> dict[str, str]:
        """What its page has to know besides its channel."""
        ...


@dataclass(frozen=True)
class Peer:
    """A subject whose page needs to know nothing."""

    name: str
    label: str
    page: str

    def settings(self) -> dict[str, str]:
        """Nothing: all is on the bench server."""
        return {}


@dataclass(frozen=True)
class Tab:
    """An open page of a subject, and the line to it."""

    browser: Browser
    channel: Channel
    id: str

    def close(self) -> None:
        """End the page."""
        self.channel.end()
        self.browser.close_tab(self.id)


def open_page(browser: Browser, server: BenchServer, subject: Subject) -> Tab:
    """Navigate a new tab to the subject's page; its first report will be the time of its first result."""
    channel = server.channel()
    settings = json.dumps({"run": channel.run} | subject.settings())
    tab = browser.open_tab(f"{server.origin}{subject.page}#{urllib.parse.quote(settings)}")
    return Tab(browser, channel, tab)
