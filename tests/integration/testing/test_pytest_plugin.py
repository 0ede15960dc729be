"""QA's fixtures, in a run of pytest that knows nothing of this checkout: a suite that passes, and one that fails and
says what it saw."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.test_docs_commands import need_chromium

EXAMPLES = Path(__file__).parents[3] / "examples"
FAILS = """
from pysandbox.testing.expect import expect_outcome

def test_it_has_such_a_handler(plugin):
    expect_outcome(plugin.invoke("guess", {}))
"""


def test_a_suite_of_its_own_passes_and_a_failure_has_the_trace(tmp_path: Path) -> None:
    need_chromium()
    for name in ("qa", "risk_scoring", "misbehaving"):
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "qa" / "test_fails.py").write_text(FAILS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--color=no", "-p", "no:cacheprovider"], cwd=tmp_path / "qa", text=True,
        capture_output=True, timeout=110, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")})
    assert "1 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    assert "status error, not ok: SeenOutcome(status='error'" in done.stdout
    trace = done.stdout.partition("- sandbox -")[2]
    assert '"errorCode": "HANDLER_NOT_FOUND"' in trace
    assert '"alerts": []' in trace


def test_control_an_engine_that_there_is_not_is_an_error_and_no_skip(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(sandbox): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--color=no", "-p", "no:cacheprovider", "--sandbox-engine", "mosaic"],
        cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 1
    assert "--sandbox-engine mosaic: there are chromium, firefox, webkit" in done.stdout
