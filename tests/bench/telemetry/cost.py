"""`python -m tests.bench.telemetry.cost`: what telemetry costs a call, as pairs of turns in one browser.

Two tabs in front, one at a gateway that takes telemetry and one at a gateway that does not. They take turns, the one
that begins changing each time, so that whatever else the machine does meets both; each pair gives a ratio. Between
turns there is time for records to be made and sent, so that they never cost the other tab. Within a turn calls follow
each other without a pause: most meet no record being made (the median of the turn's batches), some do (the mean).
"""

from __future__ import annotations

import base64
import json
import random
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pysandbox.gateway.auth.principal import MANAGE_PLUGINS, OPEN_SESSIONS, READ_TELEMETRY
from pysandbox.gateway.folder import build_folder
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.bench.assets import load
from tests.bench.browser import Browser
from tests.bench.server import BenchServer
from tests.bench.subjects import Tab, open_page
from tests.bench.subjects.ours import PLUGIN
from tests.bench.telemetry.__main__ import OUTPUT, add, circumstances

WANTED: Final = 0.05
SETTLE_S: Final = 1.5
"""Longer than the host waits before it sends."""
TURN: Final = {"bytes": 1024, "calls": 100, "warmUp": 0}
WARM_UP: Final = {"bytes": 1024, "calls": 10, "warmUp": 600}
RESAMPLES: Final = 2000


class Side:
    """A gateway with the bench plugin, as a subject."""

    label = "pysandbox"
    page = "/pages/ours/index.html"

    def __init__(self, folder: Path, page_origin: str, *, telemetry: bool) -> None:
        self.name = "on" if telemetry else "off"
        self.server = GatewayServer(Settings(
            port=0, sandbox_port=0, data_dir=folder / self.name, allowed_origins=(page_origin,), access_log=False,
            telemetry=telemetry))
        built = build_folder(PLUGIN)
        manifest = built.manifest
        sent = self.ask("POST", "/api/v2/plugins", {
            "manifest": manifest.raw, "bundle": base64.b64encode(built.bundle).decode()})
        at = f"/api/v2/plugins/{manifest.plugin_id}/versions/{manifest.version}"
        self.ask("PUT", f"{at}/grant", {"permissions": [], "identity": sent["identity"]})
        self.ask("PATCH", at, {"state": "enabled"})

    def settings(self) -> dict[str, str]:
        """As its page needs them."""
        return {"sandboxOrigin": self.server.sandbox_origin, "apiOrigin": self.server.api_origin,
                "token": self.server.token(OPEN_SESSIONS)}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.server.api_origin + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.server.token(MANAGE_PLUGINS, READ_TELEMETRY)}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def kept(self) -> int:
        """How many invocations its telemetry has counted."""
        groups = self.ask("GET", "/api/v2/telemetry/health?minutes=600")["groups"]
        return sum(group["count"] for group in groups.values())


def turn(tab: Tab, options: dict[str, int]) -> tuple[float, float]:
    """Milliseconds of a call: median and mean of the turn's batches."""
    found = [float(one) for one in tab.channel.ask("roundTrips", **options)]
    time.sleep(SETTLE_S)
    return statistics.median(found), statistics.fmean(found)


def interval(ratios: Sequence[float], seed: int = 1) -> tuple[float, float]:
    """In which the median lies with 95 %, by resampling."""
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


def measured(pairs: int) -> dict[str, Any]:
    """All turns, and what they say."""
    times: dict[str, list[tuple[float, float]]] = {"on": [], "off": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pysandbox-bench-")))
        bench = stack.enter_context(BenchServer(load({}, print)))
        sides = [Side(folder, bench.origin, telemetry=on) for on in (True, False)]
        for side in sides:
            stack.callback(side.server.close)
        browser = stack.enter_context(Browser())
        tabs = {side.name: open_page(browser, bench, side) for side in sides}
        for tab in tabs.values():
            tab.channel.receive()
            turn(tab, WARM_UP)
        for number in range(pairs):
            for name in ("on", "off") if number % 2 == 0 else ("off", "on"):
                times[name].append(turn(tabs[name], TURN))
        kept = [side.kept() for side in sides]
    assert kept[0] > pairs * TURN["calls"]  # it was on
    assert kept[1] == 0
    return {
        "pairs": pairs, "callsInATurn": TURN["calls"],
        **{name: compared([one[at] for one in times["on"]], [one[at] for one in times["off"]])
           for at, name in enumerate(("median", "mean"))}}


def compared(on: Sequence[float], off: Sequence[float]) -> dict[str, Any]:
    """The pairs' median ratio, as what is more than one."""
    ratios = [one / other for one, other in zip(on, off, strict=True)]
    low, high = interval(ratios)
    return {
        "onMs": round(statistics.median(on), 3), "offMs": round(statistics.median(off), 3),
        "cost": round(statistics.median(ratios) - 1, 4), "costInterval95": [round(low - 1, 4), round(high - 1, 4)]}


def main(
    pairs: Annotated[int, typer.Option(help="So many turns of each.")] = 40,
    output: Annotated[Path, typer.Option(help="The file that it is put into.")] = OUTPUT,
) -> None:
    """Measure, print, and add it to the figures."""
    found = {**circumstances(), **measured(pairs)}
    add(output, "roundTrip", found)
    for name in ("median", "mean"):
        one = found[name]
        low, high = one["costInterval95"]
        print(f"{name}: telemetry costs {one['cost']:.1%} of a call (95 %: {low:.1%} to {high:.1%}; wanted: at most "
              f"{WANTED:.0%}): {one['onMs']} ms with it, {one['offMs']} ms without")


if __name__ == "__main__":
    typer.run(main)
