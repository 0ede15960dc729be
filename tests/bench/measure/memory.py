"""Memory of idle plugins: PSS of all browser processes with 1 to 5 of them, after garbage collection and a rest."""

from __future__ import annotations

import statistics
import time

from tests.bench.browser import Browser
from tests.bench.model import Samples
from tests.bench.processes import pss_bytes
from tests.bench.server import BenchServer
from tests.bench.stats import line
from tests.bench.subjects import Subject, open_page

PLUGINS = 5
SETTLE_S = 2.0
READINGS = 5


def settled_bytes(browser: Browser) -> float:
    """The median of some readings once garbage is gone."""
    time.sleep(SETTLE_S)
    browser.collect_garbage()
    time.sleep(SETTLE_S)
    readings: list[int] = []
    for _ in range(READINGS):
        readings.append(pss_bytes(browser.pid))
        time.sleep(0.2)
    return statistics.median(readings)


def measure(server: BenchServer, subject: Subject, samples: Samples) -> list[float]:
    """One sample of the slope and of the fixed cost; answers the readings: empty tab, then 1 to 5 plugins."""
    with Browser() as browser:
        readings = [settled_bytes(browser)]
        tab = open_page(browser, server, subject)
        tab.channel.receive()
        readings.append(settled_bytes(browser))
        for _ in range(PLUGINS - 1):
            tab.channel.ask("add")
            readings.append(settled_bytes(browser))
        tab.close()
    slope, at_zero = line([(float(number), readings[number]) for number in range(1, PLUGINS + 1)])
    samples.add("idle_memory", subject.name, slope)
    samples.add("fixed_memory", subject.name, at_zero - readings[0])
    return readings
