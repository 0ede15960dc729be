"""The desktop example: a plugin runs in a native window, reads what the desktop gives, and no frame has the bridge.

Qt's engine is another 130 MB, so it is run by `make desktop` alone, which installs it.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from e2e.conftest import OUTPUT

pytestmark = pytest.mark.one_engine
DESKTOP = Path(__file__).parents[1] / "examples" / "desktop" / "agent_desktop.py"
WITHIN_S = 110


def run(way: str, picture: Path) -> dict[str, object]:
    """What the desktop printed when it was run this ``way``."""
    if os.environ.get("PYSANDBOX_DESKTOP") != "1":
        pytest.skip("the desktop example was NOT run: make desktop")
    assert find_spec("PyQt6.QtWebEngineCore"), "PyQt6-WebEngine is missing: make desktop installs it"
    OUTPUT.mkdir(exist_ok=True)
    picture.unlink(missing_ok=True)
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    if os.geteuid() == 0:  # Chromium's own sandbox does not start for root, and this is a test
        env["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
    done = subprocess.run(
        [sys.executable, DESKTOP, way, picture], env=env, capture_output=True, text=True, timeout=WITHIN_S,
        check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert picture.stat().st_size > 5_000
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    return run("--try", OUTPUT / "desktop.png")


def test_a_plugin_scores_with_what_the_desktop_gave(told: dict[str, object]) -> None:
    assert told["status"] == "ok", told
    assert told["asked"] == ["com.vendor.risk-scoring"]
    assert isinstance(told["value"], dict)
    assert told["value"]["sources"]["session"] == "read"


def test_the_page_has_the_bridge_and_no_frame_in_it_does(told: dict[str, object]) -> None:
    assert isinstance(told["frames"], list)
    having = [frame for frame in told["frames"] if not frame.endswith(" undefined undefined")]
    assert [frame.split(" ", 1)[1] for frame in having] == ["object function"], "control: the page has it"
    assert {frame.split(" ")[0] for frame in told["frames"]} >= {"null", having[0].split(" ")[0]}
    assert len({frame.split(" ")[0] for frame in told["frames"]}) == 3, "page, host frame, cells"


def test_nothing_had_to_be_refused(told: dict[str, object]) -> None:
    assert told["refused"] == []


def test_the_walls_stand_in_its_window() -> None:
    report = run("--selftest", OUTPUT / "desktop-selftest.png")
    assert isinstance(report["rows"], list)
    assert [row for row in report["rows"] if row["held"] is False] == []
    assert {row["wall"]: row["held"] for row in report["rows"]}["No native bridge in inner frames"] is True
