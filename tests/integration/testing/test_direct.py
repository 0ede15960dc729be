"""A browser that is started directly leaves nothing behind: shown with a shell script in a browser's place."""

import time
from pathlib import Path

import pytest

from pysandbox.testing.browsers import launch_direct

FAKE = """#!/bin/sh
trap '' TERM
sleep 300 &
echo "$! $*"
wait
"""


@pytest.fixture
def fake_browser(tmp_path: Path) -> Path:
    path = tmp_path / "chromium"
    path.write_text(FAKE)
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    """Zombies count as dead: they have ended, and it is for their new parent to collect them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_leaving_ends_the_whole_group_and_removes_the_profile(fake_browser: Path) -> None:
    with launch_direct("chromium", "http://127.0.0.1/page", path=fake_browser) as browser:
        while "\n" not in browser.log():
            time.sleep(0.01)
        child, *arguments = browser.log().split()
        profile = next(Path(part.partition("=")[2]) for part in arguments if part.startswith("--user-data-dir="))
        assert arguments[-1] == "http://127.0.0.1/page"
        assert browser.poll() is None
        assert alive(int(child))
        assert profile.is_dir()
    end = time.monotonic() + 5
    while alive(int(child)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(browser.pid)
    assert not alive(int(child))
    assert not profile.exists()
