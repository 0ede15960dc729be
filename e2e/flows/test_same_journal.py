"""The guide's flow takes the same steps in a page and in the gateway, where its plugin is a Deno process: each of its
journals is the other but for times, names of runs, and which worker it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.flows.conftest import begin, data, flow, run
from e2e.kit.lab import Lab
from e2e.kit.server import LabServer
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from pysandbox.testing.browsers import Page
from tests.integration.gateway.administered import SCOPES, Administered

pytestmark = pytest.mark.one_engine

# Whether a loop heeds the interrupt, or needs a kill and so a fresh worker, is a matter of milliseconds.
OF_THE_RUN = {"atMs", "startedMs", "untilMs", "durationMs", "correlationId", "generation", "message"}
WAYS = {
    "c-1": "ok", "sleeps": "PLUGIN_TIMEOUT", "spins": "PLUGIN_TIMEOUT", "never lets go": "PLUGIN_TIMEOUT",
    "raises": "PLUGIN_ERROR", "forges": "PLUGIN_KILLED",
}  # fmt: skip
RUNS_AT_MOST = 40
WARM_UPS = 5
FLOW = {**flow("risk.json"), "name": "risk"}  # what is deployed has a name


@pytest.fixture(scope="module")
def gateway(dist: Path, faulty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    """One that has the plugin, with its faults, and the flow."""
    settings = Settings(
        port=0, sandbox_port=0, data_dir=tmp_path_factory.mktemp("gateway"), dist=dist, access_log=False)
    with GatewayServer(settings) as server:
        administered = Administered(server, (*SCOPES, "architect:flow:write", "architect:flow:run"))
        administered.done("plugin", "add", str(faulty))
        administered.done("plugin", "grant", "com.vendor.risk-scoring@2.1.0", "--all", text="y\n")
        administered.done("plugin", "enable", "com.vendor.risk-scoring@2.1.0")
        administered.done("flow", "deploy", "-", text=json.dumps(FLOW))
        yield administered


def run_there(gateway: Administered, folder: Path, customer_id: str) -> list[dict[str, Any]]:
    """The journal of a run in the gateway."""
    interaction, given = data(customer_id)
    (folder / "input.json").write_text(json.dumps({"interaction": interaction, **given}))
    first = gateway.done("flow", "start", "risk", "--input", str(folder / "input.json"), "--wait").split()[0]
    return [json.loads(line) for line in gateway.done("flow", "show", first, "--journal").splitlines()]


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in OF_THE_RUN}
    return [timeless(item) for item in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_it_is_the_same_but_for_times(
    page: Page, faulty_server: LabServer, gateway: Administered, tmp_path: Path
) -> None:
    lab = Lab(page, f"{faulty_server.api_origin}/pages/lab.html").open(faulty_server, without=["webchat:session:read"])

    def here(customer_id: str) -> Any:
        return timeless(run(lab, customer_id, of=FLOW)["journal"])

    def both(customer_id: str) -> tuple[Any, Any]:
        ticket = begin(lab, customer_id, of=FLOW)
        elsewhere = there(customer_id)
        return timeless(page.evaluate("(t) => lab.finish(t)", ticket, timeout_s=90)["journal"]), elsewhere

    def there(customer_id: str) -> Any:
        return timeless(run_there(gateway, tmp_path, customer_id))

    for _ in range(WARM_UPS):  # in the gateway a plugin is loaded in its first call's time, too short when busy
        if here("c-1") == there("c-1"):
            break
    for customer_id, code in WAYS.items():
        ran, elsewhere = both(customer_id)
        assert ran == elsewhere, customer_id
        assert ran[2]["outcome"].get("errorCode", "ok") == code
        ran, elsewhere = both("c-1")
        assert ran == elsewhere, "and the breaker has seen a call that went well"
    assert left_alone(here) == left_alone(there)


def left_alone(ran: Callable[[str], Any]) -> Any:
    """The first run that finds the breaker open. It opens for longer each time, so a slow machine meets it too."""
    for _ in range(RUNS_AT_MOST):
        journal = ran("raises")
        if journal[2]["outcome"]["errorCode"] == "BREAKER_OPEN":
            return journal
    raise AssertionError(f"no breaker opened in {RUNS_AT_MOST} runs")
