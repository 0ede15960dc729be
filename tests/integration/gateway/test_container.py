"""The gateway's container recipe: what it says, and that its steps and its start work as plain commands.

No container runtime is needed. The steps install the lock, so they run with ``PYSANDBOX_FULL=1`` and a wheel in dist/.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.test_docs_commands import free_port

ROOT = Path(__file__).parents[3]
RECIPE = (ROOT / "examples" / "gateway" / "Containerfile").read_text("utf-8")
LAST = RECIPE.rpartition("\nFROM ")[2]
ENV = dict(line.split("=", 1) for line in re.findall(r"^ENV (.*)$", LAST, re.MULTILINE))
UP_S = 60.0


def only(word: str, text: str = LAST) -> str:
    """What the one instruction of this kind says."""
    [found] = re.findall(rf"^{word} (.*)$", text, re.MULTILINE)
    return found


def test_the_base_is_one_version_and_both_stages_are_it() -> None:
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.\d+\.\d+-slim-\w+", only("ARG", RECIPE))
    assert re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_nobody_runs_it_and_it_is_its_own_first_process() -> None:
    assert only("USER") == "65532:65532"
    assert json.loads(only("ENTRYPOINT")) == ["pysandbox", "serve"]
    assert only("STOPSIGNAL") == "SIGTERM"
    assert not re.search(r"^(ADD|CMD|RUN|SHELL) ", LAST, re.MULTILINE), "what runs was made in the stage before"


def test_only_its_folder_is_ever_written() -> None:
    assert ENV["PYSANDBOX_DATA_DIR"] == only("VOLUME") == "/data"
    assert ENV["PYTHONDONTWRITEBYTECODE"] == "1"


def test_every_package_is_checked_by_hash_and_nothing_is_built() -> None:
    installs = [line for line in RECIPE.splitlines() if "pip install" in line]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert "--no-index" in installs[1]
    assert not re.search("TOKEN|KEY|PASSWORD|SECRET", RECIPE), "an image holds no secret"


def test_it_starts_as_the_recipe_says_and_its_health_check_knows(tmp_path: Path) -> None:
    """Without a home, in a folder that is not its own to write; the state is elsewhere."""
    api, data, away = str(free_port()), tmp_path / "data", tmp_path / "away"
    data.mkdir()
    away.mkdir(mode=0o500)
    env = {**ENV, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYSANDBOX_DATA_DIR": str(data),
           "PYSANDBOX_HOST": "127.0.0.1", "PYSANDBOX_PORT": api, "PYSANDBOX_SANDBOX_PORT": "0",
           "PYTHONPATH": str(ROOT)}  # fmt: skip
    start = [sys.executable, "-c", "from pysandbox.cli import main; main()", *json.loads(only("ENTRYPOINT"))[1:]]
    health = json.loads(only("HEALTHCHECK").partition("CMD ")[2].replace("8900", api))
    assert is_unwell(health, env), "control: nothing answers yet"
    with subprocess.Popen(start, cwd=away, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            end = time.monotonic() + UP_S
            while is_unwell(health, env):
                assert running.poll() is None
                assert time.monotonic() < end
            assert list(away.iterdir()) == []
            assert list(data.iterdir()) != []
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(UP_S) == 0


def is_unwell(health: list[str], env: dict[str, str]) -> bool:
    return subprocess.run([sys.executable, *health[1:]], env=env, stderr=subprocess.DEVNULL, check=False).returncode > 0


@pytest.mark.timeout(600)
def test_the_steps_work_as_plain_commands(tmp_path: Path) -> None:
    wheels = list((ROOT / "dist").glob("pysandbox-*.whl"))
    if os.environ.get("PYSANDBOX_FULL") != "1" or not wheels:
        pytest.skip("installs the whole lock: make dist, then PYSANDBOX_FULL=1")
    for file in (ROOT / "requirements-gateway.lock", *wheels):
        shutil.copy(file, tmp_path)
    for step in re.findall(r"^RUN (.*)$", RECIPE, re.MULTILINE):
        here = step.replace("/opt/pysandbox", str(tmp_path / "opt")).replace("/data", str(tmp_path / "data"))
        here = here.replace("-o 65532 -g 65532", f"-o {os.getuid()} -g {os.getgid()}")
        if here.startswith("python "):
            here = here.replace("python", sys.executable, 1)
        subprocess.run(["sh", "-euc", here], cwd=tmp_path, check=True, env={
            key: value for key, value in os.environ.items() if key != "PYTHONPATH"})
    told = subprocess.run(
        [tmp_path / "opt" / "bin" / "pysandbox", "--help"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True)
    assert "serve" in told.stdout
