"""The command line starts fast, and its help shows how to use it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pysandbox import __version__
from pysandbox.cli.app import app


@pytest.mark.parametrize(
    "command", [["run"], ["check"], ["build"], ["serve"], ["dev"], ["doctor"], ["audit"], ["runtime", "build"]])
def test_every_commands_help_has_examples(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"pysandbox {' '.join(command)}" in result.stdout


def test_it_tells_its_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"{__version__}\n")


@pytest.mark.parametrize("args", [[], ["no-such-command"], ["run"], ["check"]])
def test_a_call_that_lacks_something_is_wrong_use(args: list[str]) -> None:
    assert CliRunner().invoke(app, args).exit_code == 2


def test_help_loads_no_server_and_no_browser_driver() -> None:
    script = (
        "import sys\nfrom pysandbox.cli import app\n"
        "heavy = 'starlette', 'uvicorn', 'playwright', 'selenium', 'sqlalchemy', 'cryptography'\n"
        "print([m for m in heavy if m in sys.modules])")
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
