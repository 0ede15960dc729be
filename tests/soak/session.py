"""The session: work in batches, memory read between them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from e2e.kit.direct import DirectPage
from pysandbox.gateway.serve import DevServer
from tests.bench.browser import Browser
from tests.bench.measure.memory import settled
from tests.soak.reconcile import Ledger, problems

HERE = Path(__file__).parent
WIDTH = 4
"""Invocations beside each other."""
PRESSURE_EVERY = 60
"""Oftener than the one in a hundred that has to be seen: memory is counted each half second at most, and two hoards
within it meet the same worker."""
BATCH_S = 300.0
MAY_GROW = 1.10
QUIET_S = 1.5
"""For the next count of a worker's memory, which a further call tells, and for the spare's interpreter to start."""


@dataclass(frozen=True)
class Sample:
    """Memory of the whole browser after so many invocations, garbage collected."""

    invocations: int
    at_s: float
    own_bytes: int


@dataclass
class Report:
    """What came of it. ``problems`` is empty where all went well."""

    invocations: int
    pressures: int
    seconds: float
    ends: dict[str, int]
    samples: list[Sample]
    growth: float
    problems: list[str] = field(default_factory=list[str])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def kind(number: int) -> str:
    """What the invocation with this number does."""
    if number % PRESSURE_EVERY == PRESSURE_EVERY // 2:
        return "hoards"
    if number % 50 == 30:
        return "fails"
    if number % 40 == 20:
        return "aborted"
    return "overruns" if number % 250 == 125 else "works"


def trend(sizes: Sequence[float]) -> float:
    """The end beside the beginning: medians of a quarter of the samples each, since single ones scatter."""
    quarter = max(1, len(sizes) // 4)
    return statistics.median(sizes[-quarter:]) / statistics.median(sizes[:quarter])


def run(invocations: int, samples: int, progress: Callable[[str], None], *, dist: Path | None = None) -> Report:
    """Run it in a Chromium of its own. The first sample is taken after the first part, when all is warm."""
    ledger, memory, begun = Ledger(), list[Sample](), time.monotonic()
    part = invocations // samples
    pages = HERE / "pages"
    with DevServer([HERE / "plugin"], pages=pages, dist=dist) as server, Browser() as browser:
        page = DirectPage(browser)
        page.goto(f"{server.api_origin}/pages/soak.html")
        page.wait_for("window.soak")
        page.evaluate("(o) => soak.open(o)", {"origin": server.sandbox_origin, "token": server.token}, timeout_s=90)
        for first in range(0, part * samples, part):
            for work in ([(number, kind(number)) for number in range(first, first + part)], [(-first - 1, "works")]):
                told = page.evaluate("(work) => soak.batch(work)", [work, WIDTH], timeout_s=BATCH_S)
                ledger.add(work, told)
                time.sleep(QUIET_S)
            page.wait_for("frames[0].length === 2", timeout_s=60)  # the plugin's cell and the spare's
            time.sleep(QUIET_S)
            ledger.add([], page.evaluate("() => soak.batch([[], 0])"))  # what was told meanwhile
            memory.append(Sample(first + part, time.monotonic() - begun, settled(browser).own_bytes))
            progress(f"{first + part}/{invocations}  {memory[-1].at_s:.0f} s  {memory[-1].own_bytes / 1e6:.0f} MB")
        page.close()
    done = part * samples
    growth = trend([sample.own_bytes for sample in memory])
    found = problems(ledger)
    if growth > MAY_GROW:
        found.append(f"memory grew to {growth:.2f} times what it was")
    return Report(done, len(ledger.drains), time.monotonic() - begun, ledger.ends(), memory, growth, found)
