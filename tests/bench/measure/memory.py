"""Memory of idle plugins: PSS of all browser processes with 1 to 5 of them, after garbage collection and a rest."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from tests.bench.browser import Browser
from tests.bench.garbage import collect_garbage
from tests.bench.model import Samples
from tests.bench.processes import Pss, pss
from tests.bench.server import BenchServer
from tests.bench.stats import line
from tests.bench.subjects import Subject, open_page

PLUGINS = 5
SETTLE_S = 1.0
READINGS = 5


def settled(browser: Browser) -> Pss:
    """The medians of some readings once garbage is gone."""
    time.sleep(SETTLE_S)
    collect_garbage(browser.devtools_url())
    time.sleep(SETTLE_S)
    readings: list[Pss] = []
    for _ in range(READINGS):
        readings.append(pss(browser.pid))
        time.sleep(0.1)
    return Pss(
        statistics.median_low([reading.own_bytes for reading in readings]),
        statistics.median_low([reading.all_bytes for reading in readings]),
    )


def slope(readings: list[Pss], of: Callable[[Pss], int]) -> tuple[float, float]:
    """(bytes for each plugin, bytes at none) of the readings with 1, 2, … plugins."""
    return line([(float(number), float(of(reading))) for number, reading in enumerate(readings, 1)])


def measure(server: BenchServer, subject: Subject, samples: Samples) -> list[Pss]:
    """One sample of slope and fixed cost; answers the readings: an empty tab, then 1 to 5 plugins."""
    with Browser() as browser:
        blank = browser.open_tab("about:blank")
        empty = settled(browser)
        browser.close_tab(blank)
        tab = open_page(browser, server, subject)
        tab.channel.receive()
        readings = [settled(browser)]
        for _ in range(PLUGINS - 1):
            tab.channel.ask("add")
            readings.append(settled(browser))
        tab.close()
    each, at_none = slope(readings, lambda reading: reading.own_bytes)
    samples.add("idle_memory", subject.name, each)
    samples.add("fixed_memory", subject.name, at_none - empty.own_bytes)
    samples.add("idle_memory_all_pss", subject.name, slope(readings, lambda reading: reading.all_bytes)[0])
    return [empty, *readings]
