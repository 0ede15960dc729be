"""One deployment for each module of this folder, and its plugins in an open sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import EXAMPLES, PAGES
from e2e.kit.deployment import Deployment, vault_key
from e2e.kit.lab import Lab, LabPlugin
from pysandbox.testing.browsers import Browser, Page

GATEWAY_PLUGINS = [EXAMPLES / "risk_scoring", PAGES.parent / "plugins" / "caller"]


@pytest.fixture(scope="module")
def deployment(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*vault_key())
        with Deployment(tmp_path_factory.mktemp("gateway"), GATEWAY_PLUGINS, dist=dist, pages=PAGES) as running:
            yield running


@pytest.fixture(autouse=True)
def well(deployment: Deployment) -> None:
    """The vendor's API is well when a test begins, and nobody has asked it."""
    deployment.api.mood = "well"
    deployment.api.requests.clear()


def opened(page: Page, deployment: Deployment, **options: Any) -> Lab:
    lab = Lab(page, f"{deployment.api_origin}/pages/lab.html")
    return lab.open_at(deployment.sandbox_origin, deployment.token, **options)


@pytest.fixture(scope="module")
def lab(browser: Browser, deployment: Deployment) -> Iterator[Lab]:
    """A sandbox that the tests of a module share."""
    tab = browser.new_page()
    yield opened(tab, deployment)
    tab.close()


@pytest.fixture(scope="module")
def caller(lab: Lab) -> LabPlugin:
    """The plugin of e2e/plugins/caller."""
    return lab.load("test.caller@1.0.0")
