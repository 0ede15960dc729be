"""What the gateway says, or somebody in its place: a wrong token, altered bundles, manifests gone bad."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import PAGES
from e2e.kit.lab import Lab, LabError
from e2e.kit.server import LabServer
from pysandbox.core.bundle import build_bundle
from pysandbox.testing.browsers import Browser, Page

pytestmark = pytest.mark.one_engine  # it is Python in the host that is tested

SPINE = Path(__file__).parents[1] / "plugins" / "spine"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(SPINE, tmp_path_factory.mktemp("plugins") / "spine")


@pytest.fixture(scope="module")
def server(dist: Path, folder: Path) -> Iterator[LabServer]:
    """Serves one plugin's folder as it is at each moment."""
    with LabServer([folder], dist=dist, pages=PAGES, reload=True) as running:
        yield running


@pytest.fixture(scope="module")
def lab(browser: Browser, server: LabServer) -> Iterator[Lab]:
    tab = browser.new_page()
    yield Lab(tab, f"{server.api_origin}/pages/lab.html").open(server)
    tab.close()


def refused(lab: Lab, name: str = "test.spine@1.0.0") -> LabError:
    with pytest.raises(LabError) as caught:
        lab.load(name)
    return caught.value


def test_a_wrong_token_opens_nothing(page: Page, server: LabServer) -> None:
    with pytest.raises(LabError) as caught:
        Lab(page, f"{server.api_origin}/pages/lab.html").open(server, sessionToken="wrong")
    assert (caught.value.name, caught.value.code) == ("SandboxError", "SESSION_INVALID"), caught.value


def test_no_token_is_a_mistake_of_the_page(page: Page, server: LabServer) -> None:
    with pytest.raises(LabError) as caught:
        Lab(page, f"{server.api_origin}/pages/lab.html").open(server, sessionToken="")
    assert caught.value.code == "INPUT_INVALID"


def test_a_manifest_that_went_bad_names_every_problem(lab: Lab, folder: Path) -> None:
    path = folder / "manifest.json"
    text = path.read_text()
    told: dict[str, Any] = json.loads(text)
    told["manifest"]["csp"] += "; script-src 'unsafe-eval'"
    told["manifest"]["isolation"]["memoryLimitMB"] = 100_000
    path.write_text(json.dumps(told))
    try:
        error = refused(lab)
    finally:
        path.write_text(text)
    assert error.code == "MANIFEST_INVALID", error
    paths = [detail["path"] for detail in error.details]
    assert any(path.startswith("$.manifest.csp") for path in paths), error.details
    assert "$.manifest.isolation.memoryLimitMB" in paths
    assert lab.load("test.spine").value("echo", 1) == 1


def test_a_bundle_of_other_bytes_is_not_run(lab: Lab, server: LabServer, monkeypatch: pytest.MonkeyPatch) -> None:
    find = server.plugins.find

    def flipped(plugin_id: str, version: str) -> Any:
        built = find(plugin_id, version)
        bundle = bytearray(built.bundle)
        bundle[len(bundle) // 2] ^= 1
        return dataclasses.replace(built, bundle=bytes(bundle))

    monkeypatch.setattr(server.plugins, "find", flipped)
    assert refused(lab).code == "BUNDLE_TAMPERED"
    monkeypatch.undo()
    assert lab.load("test.spine").value("echo", 1) == 1


def test_another_plugins_registration_is_not_taken(
    lab: Lab, server: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers in the gateway's place cannot pass off one plugin as another."""
    find = server.plugins.find
    monkeypatch.setattr(server.plugins, "find", lambda _id, _version: find("test.spine", "1.0.0"))
    assert refused(lab, "test.other@1.0.0").code == "BUNDLE_TAMPERED"


@pytest.mark.parametrize("bundle", [b"", b"PK\x03\x04 no zip at all", build_bundle({"other.py": b"x = 1\n"})])
def test_a_registered_bundle_that_is_none_says_so(
    lab: Lab, server: LabServer, monkeypatch: pytest.MonkeyPatch, bundle: bytes
) -> None:
    import hashlib

    find = server.plugins.find

    def replaced(plugin_id: str, version: str) -> Any:
        built = find(plugin_id, version)
        return dataclasses.replace(built, bundle=bundle, sha256=hashlib.sha256(bundle).hexdigest())

    monkeypatch.setattr(server.plugins, "find", replaced)
    assert refused(lab).code in ("BUNDLE_INVALID", "BUNDLE_TAMPERED", "PLUGIN_IMPORT_FAILED")
