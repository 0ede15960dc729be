"""The API below a path of another server's, as operators put it: sessions, plugins, blocks and proxied calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import PAGES
from e2e.gateway.conftest import GATEWAY_PLUGINS
from e2e.gateway.test_session_end import wait_for_none
from e2e.kit.deployment import Deployment, vault_key
from e2e.kit.lab import Lab
from pysandbox.testing.browsers import Page
from tests.integration.fronts import nginx
from tests.integration.services import free_port

PREFIX = "/tools/pysandbox"


@pytest.fixture(scope="module")
def behind(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    port, front = free_port(), free_port()
    with pytest.MonkeyPatch.context() as patch, nginx(front, port, PREFIX):
        patch.setenv(*vault_key())
        with Deployment(
            tmp_path_factory.mktemp("behind"), GATEWAY_PLUGINS, dist=dist, pages=PAGES, port=port,
            api_origin=f"http://127.0.0.1:{front}", path_prefix=PREFIX,
        ) as running:  # fmt: skip
            yield running


def test_a_plugin_asks_through_the_path_and_its_session_ends_there(page: Page, behind: Deployment) -> None:
    lab = Lab(page, f"{behind.api_origin}{PREFIX}/pages/lab.html").open_at(behind.sandbox_origin, behind.token)
    caller = lab.load("test.caller")
    assert caller.value("ask", {"json": {"customerId": "c-1"}})["status"] == 200
    [(method, path, _, _)] = behind.asked()
    assert (method, path) == ("POST", "/v1/evaluate")
    assert not lab.alerts()
    page.goto(f"{behind.sandbox_origin}/pysandbox.d.ts")
    wait_for_none(behind, "agent-7")
