"""Many plugins on one page, ten of them live at a time: the rest is evicted, and loaded again when it is called.

Each is another plugin and is told a word of its own. None ever says a word of another's, memory stays that of ten, and
the page goes on meanwhile. `make soak` has a hundred of them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer
from pysandbox.core.limits import default
from pysandbox.testing.browsers import Browser, Page

pytestmark = pytest.mark.one_engine

CROWD = int(os.environ.get("PYSANDBOX_CROWD", "14"))
LIVE = default("maxLive")
SLACK = 1.5  # of memory: what an engine has not yet collected
PAGE_STOOD_MS = 3000  # a page that waits for all of it stands for much longer, on any machine
TEMPLATE = next(path for path in PLUGINS if path.name == "crowd")

CALL = """async ([number, handler, payload]) => {
  const { result, gapMs } = await lab.watched(() => lab.finish(lab.start([number, handler, payload, {}])));
  return { result, gapMs };
}"""


@pytest.fixture(scope="module")
def server(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """With as many plugins as there are in the crowd, each of an id of its own."""
    folders = [tmp_path_factory.mktemp("crowd") / f"n{n}" for n in range(CROWD)]
    for n, folder in enumerate(folders):
        shutil.copytree(TEMPLATE, folder)
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        (folder / "manifest.json").write_text(json.dumps({**manifest, "pluginId": f"test.crowd-{n}"}), "utf-8")
    with LabServer(folders, dist=dist, pages=PAGES) as running:
        yield running


def used_bytes(browser: Browser) -> int:
    """What its processes hold for themselves."""
    total = 0
    for pid in browser.pids():
        try:
            total += psutil.Process(pid).memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total


def said(lab: Lab, plugin: LabPlugin, handler: str, payload: str | None = None) -> tuple[dict[str, object], float]:
    answer = lab.ask(CALL, [plugin.number, handler, payload])
    assert answer["result"]["status"] == "ok", answer
    return answer["result"]["value"], answer["gapMs"]


@pytest.mark.slow
@pytest.mark.timeout(120 + 6 * CROWD)
def test_no_plugin_of_a_crowd_hears_another_and_ten_are_live(browser: Browser, page: Page, server: LabServer) -> None:
    lab = Lab(page, f"{server.api_origin}/pages/lab.html").open(server)
    plugins: list[LabPlugin] = []
    gaps_ms: list[float] = []
    full = 0
    for n in range(CROWD):
        plugins.append(lab.load(f"test.crowd-{n}@1.0.0"))
        told, gap_ms = said(lab, plugins[n], "tell", f"word-{n}")
        gaps_ms.append(gap_ms)
        assert told == {"plugin": f"test.crowd-{n}", "words": [f"word-{n}"]}
        if n == LIVE:
            full = used_bytes(browser)
    assert len(lab.ask("() => lab.memory()")["plugins"]) <= LIVE
    for n, plugin in reversed([*enumerate(plugins)]):  # those that are live first, then those that were evicted
        told, gap_ms = said(lab, plugin, "recall")
        gaps_ms.append(gap_ms)
        assert told["plugin"] == f"test.crowd-{n}"
        assert told["words"] in ([], [f"word-{n}"]), "its own, if it was live all the while, or nothing"
    assert len(lab.ask("() => lab.memory()")["plugins"]) <= LIVE
    for n, plugin in enumerate(plugins):
        assert [one["detail"]["data"] for one in plugin.heard() if one["kind"] == "event"] == [f"word-{n}"]
    assert lab.alerts() == []
    assert used_bytes(browser) <= full * SLACK
    assert sorted(gaps_ms)[len(gaps_ms) // 2] < PAGE_STOOD_MS / 10
    assert max(gaps_ms) < PAGE_STOOD_MS
