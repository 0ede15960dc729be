"""What `pysandbox attack` refuses before it asks anybody anything."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from pysandbox.cli.app import app
from pysandbox.testing.attacks.live.plays import ALL


def run(*args: str, token: str = "a.b.c") -> Result:
    return CliRunner().invoke(app, ["attack", *args], env={"PYSANDBOX_TOKEN": token, "COLUMNS": "300"})


@pytest.mark.parametrize("url", ["https://api.example", "http://10.0.0.7:8900", "http://127.0.0.1.evil.example"])
def test_a_deployment_elsewhere_is_attacked_only_by_who_says_that_he_may(url: str) -> None:
    done = run(url)
    assert done.exit_code == 2
    assert "--i-own-this" in done.stderr


@pytest.mark.parametrize(("args", "said"), [
    ([], "which deployment?"),
    (["http://127.0.0.1:9", "--only", "egress-fetsch"], "egress-fetch"),
    (["http://127.0.0.1:9/?x=1"], "no deployment's address"),
])  # fmt: skip
def test_a_call_that_cannot_be_carried_out_is_told_why(args: list[str], said: str) -> None:
    done = run(*args)
    assert done.exit_code == 2
    assert said in done.stderr


def test_without_a_token_nothing_is_asked() -> None:
    done = run("http://127.0.0.1:9", token="")
    assert done.exit_code == 2
    assert "PYSANDBOX_TOKEN" in done.stderr


def test_the_list_needs_neither_deployment_nor_token() -> None:
    done = run("--list", token="")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == len(ALL)
    assert run("--list", "--only", "clocks").stdout.startswith("clocks-fine  ")
