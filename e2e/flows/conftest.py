"""The guide's flow against examples/risk_scoring: as it is, and with faults that a customer's id calls for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import EXAMPLES, PAGES
from e2e.kit.lab import Lab
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Browser

PATIENT_MS = 60_000  # a machine that is busy loads a plugin slowly
FAULTS = '''
import asyncio as _asyncio


async def _misbehave(customer_id, ctx):
    match customer_id:
        case "sleeps":
            await ctx.sleep(60_000)
        case "spins":
            while True:
                pass
        case "never lets go":
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    continue
        case "raises":
            raise ValueError("the model is missing")
        case "forges":
            for _ in range(16):
                ctx._services._world.post("no envelope", ())
            await _asyncio.sleep(60)
'''


def flow(name: str) -> dict[str, Any]:
    """A flow of examples/flows."""
    return json.loads((EXAMPLES / "flows" / name).read_text())


def data(customer_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the flow is run with: the interaction, and the options of `runFlow`."""
    return {"customer": {"id": customer_id}}, {"webchat": {"session": {"id": "s-1"}}}


def begin(lab: Lab, customer_id: str, *, of: Any = None, **options: Any) -> int:
    """Begin a run of the completed guide's flow, or ``of`` another; `Lab.finish` waits for what comes of it."""
    interaction, given = data(customer_id)
    told = {**given, "prepareMs": PATIENT_MS, **options}
    return lab.ask("(a) => lab.startFlow(a)", [of or flow("risk.json"), interaction, told])


def run(lab: Lab, customer_id: str, **options: Any) -> dict[str, Any]:
    """What came of a run; with a coded error, that under ``rejected``."""
    return lab.page.evaluate("(t) => lab.finish(t)", begin(lab, customer_id, **options), timeout_s=90)


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/risk_scoring with faults for single customers, and nothing else changed."""
    folder = tmp_path_factory.mktemp("faulty") / "risk_scoring"
    shutil.copytree(EXAMPLES / "risk_scoring", folder)
    source = (folder / "plugin.py").read_text()
    first = "    request = Request(payload)\n"
    assert source.count(first) == 1
    (folder / "plugin.py").write_text(
        source.replace(first, f'    await _misbehave(payload["customerId"], ctx)\n{first}') + FAULTS)
    return folder


@pytest.fixture(scope="session")
def faulty_server(dist: Path, faulty: Path) -> Iterator[LabServer]:
    with LabServer([faulty], dist=dist, pages=PAGES) as running:
        yield running


@pytest.fixture
def risky(browser: Browser, faulty_server: LabServer) -> Iterator[Lab]:
    """A tab with an open sandbox, whose breakers have seen nothing, in which no plugin is loaded."""
    tab = browser.new_page()
    try:
        yield Lab(tab, f"{faulty_server.api_origin}/pages/lab.html").open(faulty_server)
    finally:
        tab.close()
