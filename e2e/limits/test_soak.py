"""The long session of `make soak`, as short as shows that it works: nothing lost or doubled, memory flat."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.conftest import need_chromium
from tests.soak.session import run

pytestmark = pytest.mark.alone


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_some_hundred_invocations_add_up_and_memory_is_flat(dist: Path) -> None:
    need_chromium()
    report = run(600, 3, print, dist=dist)
    assert report.problems == [], report
    assert report.invocations == 600
    assert report.pressures >= 3  # ten hoards, of which some meet the same worker
