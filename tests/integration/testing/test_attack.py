"""`pysandbox attack` against a real gateway: what it finds, what it leaves, when it refuses. Browsers are in e2e."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pysandbox.cli.app import app
from pysandbox.gateway import headers
from pysandbox.testing.attacks.live.play import GATEWAY
from pysandbox.testing.attacks.live.plays import ALL
from tests.integration.gateway.administered import SCOPES, Administered, administered

ON_GATEWAY = [play for play in ALL if play.place == GATEWAY]
GROUPS = [argument for group in sorted({play.group for play in ON_GATEWAY}) for argument in ("--only", group)]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Administered]:
    with administered(tmp_path) as running:
        yield running


def attack(gateway: Administered, folder: Path, *more: str) -> Result:
    return gateway.run(
        "attack", gateway.server.api_origin, "--sandbox", gateway.server.sandbox_origin, "--output", str(folder), *more)


def nothing_is_left(gateway: Administered) -> bool:
    gateway.scopes = SCOPES
    return gateway.json("plugin", "list") == {"plugins": []} and gateway.json("route", "list") == {"routes": []}


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


def verdicts(data: Any) -> dict[str, str]:
    return {attack["slug"]: attack["results"][GATEWAY]["verdict"] for attack in data["attacks"]}


def test_a_gateway_stops_each_and_each_control_works(gateway: Administered, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    done = attack(gateway, folder, *GROUPS, "--json")
    assert done.exit_code == 0, done.stderr
    data = report(folder)
    assert json.loads(done.stdout) == data
    assert verdicts(data) == {play.slug: "stopped" for play in ON_GATEWAY}
    assert data["ok"] is True
    assert all(attack["results"][GATEWAY]["control"]["worked"] for attack in data["attacks"])
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert nothing_is_left(gateway)


def test_a_gateway_that_lost_a_wall_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "api", lambda: {"Set-Cookie": "session=1"})
    with administered(tmp_path) as gateway:
        done = attack(gateway, tmp_path / "report", "--only", "answers")
        assert done.exit_code == 1
        found = {slug for slug, verdict in verdicts(report(tmp_path / "report")).items() if verdict == "got through"}
        assert found == {"answers-headers-api", "answers-cookie"}
        assert "got through  answers-cookie" in done.stderr
        assert nothing_is_left(gateway)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_page_that_may_not_embed_it_is_told_which_setting_to_change(gateway: Administered, tmp_path: Path) -> None:
    port = free_port()
    done = attack(gateway, tmp_path / "report", "--only", "egress-fetch", "--page-port", str(port))
    assert done.exit_code == 2
    assert "PYSANDBOX_ALLOWED_ORIGINS" in done.stderr
    assert f"http://127.0.0.1:{port}" in done.stderr
    assert not (tmp_path / "report").exists()
    assert nothing_is_left(gateway)


def test_a_token_that_may_not_register_plugins_is_told_so(gateway: Administered, tmp_path: Path) -> None:
    gateway.scopes = ("webchat:session:read",)
    done = attack(gateway, tmp_path / "report", "--only", "answers")
    assert done.exit_code == 2
    assert "PERMISSION_DENIED" in done.stderr
    assert nothing_is_left(gateway)


def test_without_the_right_to_edit_routes_the_proxy_is_not_applicable(gateway: Administered, tmp_path: Path) -> None:
    gateway.scopes = ("application:plugin:manage", "webchat:session:read")
    attack(gateway, tmp_path / "report", "--only", "proxy-nonce-none", "--only", "requests-token-none")
    data = report(tmp_path / "report")
    assert verdicts(data) == {"proxy-nonce-none": "not applicable", "requests-token-none": "stopped"}
    [proxy] = [attack for attack in data["attacks"] if attack["slug"] == "proxy-nonce-none"]
    assert "no route could be added" in proxy["results"][GATEWAY]["reason"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGTERM to be ended by")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_takes_everything_away_again(
    gateway: Administered, tmp_path: Path, number: signal.Signals
) -> None:
    # A script's background jobs are born deaf to SIGINT, and this may be run by one.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [
        sys.executable, "-c", f"{start}; from pysandbox.cli import main; main()", "attack", gateway.server.api_origin,
        "--sandbox", gateway.server.sandbox_origin, "--output", str(tmp_path / "report"), *GROUPS]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYSANDBOX_TOKEN": gateway.server.token(*SCOPES)})
    assert running.stderr is not None
    assert "gateway" in running.stderr.readline()  # its plugins are registered now
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1, said
    assert "removed again" in said
    assert nothing_is_left(gateway)


def test_where_nothing_answers_the_option_to_say_where_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["attack", f"http://127.0.0.1:{free_port()}", "--output", str(tmp_path / "report")],
        env={"PYSANDBOX_TOKEN": "a.b.c", "COLUMNS": "300"})
    assert done.exit_code == 2
    assert "--sandbox" in done.stderr
    assert not (tmp_path / "report").exists()
