"""`pysandbox attack` in real browsers: against a gateway as it ships, and against one whose cells lost their policy."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from e2e.attacks.walls import NO_BOOT_PROOF, NO_META_CSP, lost_cell_csp
from e2e.conftest import FULL, IN_CI, MISSING, wanted_engines
from e2e.kit.server import LabServer
from e2e.variants import variant
from pysandbox.cli.app import app
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from pysandbox.testing.attacks.live.lodging import FOLDERS
from pysandbox.testing.browsers import Engine, missing_parts

SCOPES = ("application:plugin:manage", "integration:edit", "webchat:session:read")
# One of each kind of play, the quick ones: all of them take minutes.
SOME = (
    "egress-import-url", "egress-py-urllib", "evaluation-function", "window-document", "messages-replay",
    "escalation-undeclared", "secrets-heap", "clocks-fine", "exhaustion-swallow",
)  # fmt: skip


@pytest.fixture(params=wanted_engines() if FULL else wanted_engines()[:1])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Nobody drives it here: the command starts it."""
    if missing_parts(request.param):
        (pytest.fail if IN_CI else pytest.skip)(MISSING + request.param)
    return request.param


@pytest.fixture
def page_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def attack(folder: Path, server: Any, engine: Engine, port: int, token: str, only: tuple[str, ...]) -> Result:
    return CliRunner().invoke(app, [
        "attack", server.api_origin, "--sandbox", server.sandbox_origin, "--engine", engine, "--page-port", str(port),
        "--output", str(folder), *(part for name in only for part in ("--only", name)),
    ], env={"PYSANDBOX_TOKEN": token, "COLUMNS": "300"})  # fmt: skip


def verdicts(folder: Path, engine: Engine) -> dict[str, str]:
    data = json.loads((folder / "report.json").read_text())
    return {one["slug"]: one["results"][engine]["verdict"] for one in data["attacks"]}


@pytest.fixture
def gateway(tmp_path: Path, dist: Path, page_port: int) -> Iterator[GatewayServer]:
    settings = Settings(
        port=0, sandbox_port=0, data_dir=tmp_path / "data", dist=dist, access_log=False,
        allowed_origins=(f"http://127.0.0.1:{page_port}",))
    with GatewayServer(settings) as running:
        yield running


@pytest.mark.timeout(300)  # it bounds itself, attack by attack
def test_a_gateway_as_it_ships_stops_them(
    engine: Engine, gateway: GatewayServer, page_port: int, tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    done = attack(folder, gateway, engine, page_port, gateway.token(*SCOPES), SOME)
    assert done.exit_code == 0, done.stderr
    found = verdicts(folder, engine)
    assert found.pop("clocks-fine") in ("residual", "stopped")
    assert set(found.values()) == {"stopped"}, found
    assert len(found) == len(SOME) - 1


def test_one_whose_cells_lost_their_policy_is_found_out(
    engine: Engine, dist: Path, page_port: int, tmp_path: Path
) -> None:
    """Header, meta and boot proof are gone. What had to be left of the browser's names is no wall: this shows it."""
    weak = tmp_path / "weak"
    weak.mkdir()
    variant(dist, weak, (*NO_META_CSP, *NO_BOOT_PROOF))
    with LabServer(
        FOLDERS, dist=weak, change=lost_cell_csp, allowed_origins=[f"http://127.0.0.1:{page_port}"]
    ) as server:
        done = attack(
            tmp_path / "report", server, engine, page_port, server.token,
            ("egress-import-url", "evaluation-function", "answers-cell-policy"))
    assert done.exit_code == 1, done.stderr
    assert "got through  egress-import-url" in done.stderr
    data = json.loads((tmp_path / "report" / "report.json").read_text())
    found = {one["slug"]: [result["verdict"] for result in one["results"].values()] for one in data["attacks"]}
    assert found == {slug: ["got through"] for slug in found}
    assert len(found) == 3
