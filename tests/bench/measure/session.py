"""Time: one browser from an empty cache to a warm one, then everything an open page is asked for."""

from __future__ import annotations

import time
from collections.abc import Collection

from tests.bench.browser import Browser
from tests.bench.model import OURS_ALONE, Samples
from tests.bench.server import BenchServer
from tests.bench.stats import summary
from tests.bench.subjects import Subject, Tab, open_page

SETTLE_S = 1.0
"""For the browser's own start, a closed tab's end, and the writing of the HTTP and code caches."""

WARM_UPS = 2
"""Loads before the warm one is timed: V8 keeps a script's code from the second on."""

DEADLINE_MS = 300

ROUND_TRIPS = {
    "round_trip_1k": {"bytes": 1024, "calls": 300, "warmUp": 400},
    "round_trip_100k": {"bytes": 102_400, "calls": 40, "warmUp": 60},
}
"""Warmed up until the time is steady, for every subject alike: the browser goes on compiling wasm that turned out hot
in the background, and replaces it while calls go on."""

SPARE_KILLS = 3
OVERRUNS = 20


def measure(server: BenchServer, subject: Subject, wanted: Collection[str], samples: Samples) -> None:
    """One sample of each wanted metric."""
    with Browser() as browser:
        time.sleep(SETTLE_S)
        tab = open_page(browser, server, subject)
        started = float(tab.channel.receive())
        if "start_empty" in wanted:
            samples.add("start_empty", subject.name, started)
        if set(wanted) == {"start_empty"}:
            return
        for _ in range(WARM_UPS + 1 if "start_warm" in wanted else 1):
            time.sleep(SETTLE_S)
            tab.close()
            time.sleep(SETTLE_S)
            tab = open_page(browser, server, subject)
            started = float(tab.channel.receive())
        if "start_warm" in wanted:
            samples.add("start_warm", subject.name, started)
        time.sleep(SETTLE_S)
        _open_page_metrics(tab, subject.name, wanted, samples)
        tab.close()


def _open_page_metrics(tab: Tab, name: str, wanted: Collection[str], samples: Samples) -> None:
    """What an open page is asked for; a sample of round trips is the median of its batches."""
    for metric, options in ROUND_TRIPS.items():
        if metric in wanted:
            times = [float(value) for value in tab.channel.ask("roundTrips", **options)]
            samples.add(metric, name, summary(times).median)
    if "add_plugin" in wanted:
        samples.add("add_plugin", name, float(tab.channel.ask("add")))
        time.sleep(SETTLE_S)
    if {"kill_to_next", "kill_to_next_from_kill"} & set(wanted):
        killed = tab.channel.ask("kill", deadlineMs=DEADLINE_MS)
        samples.add("kill_to_next", name, float(killed["fromDeadline"]))
        samples.add("kill_to_next_from_kill", name, float(killed["fromKill"]))
    if "kill_to_next_spare" in wanted:
        for value in tab.channel.ask("killSpare", deadlineMs=DEADLINE_MS, times=SPARE_KILLS):
            samples.add("kill_to_next_spare", name, float(value))
    for metric in sorted(OURS_ALONE & set(wanted)) if name == "ours" else ():
        for value in tab.channel.ask("overruns", metric=metric, deadlineMs=DEADLINE_MS, times=OVERRUNS):
            samples.add(metric, name, float(value))
