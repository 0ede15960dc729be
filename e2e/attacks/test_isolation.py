"""15, 53, 92: a cell that cannot prove its walls takes no plugin, and one flipped byte stops what it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import cache

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import (
    CELL_READY_TWICE,
    ESCAPED,
    NO_BOOT_PROOF,
    NO_META_CSP,
    NO_ORIGIN_CHECK,
    NO_SANDBOX_ATTRIBUTE,
    SAME_ORIGIN_ATTRIBUTE,
    lost_cell_csp,
    lost_cell_sandbox,
)
from e2e.kit.lab import Lab, LabError
from e2e.kit.server import LabServer
from e2e.variants import Edit
from pysandbox.testing.browsers import Page

REFUSED = ("ISOLATION_FAILED", "PROTOCOL_VIOLATION")  # the cell's own proof, or the host frame that hears where it is
ASSETS = ["pyodide.asm.wasm", "python_stdlib.zip", "snapshot.bin", "host_worker.js", "plugin_worker.js", "watchdog.js"]


def lab_on(page: Page, server: LabServer) -> Lab:
    return Lab(page, f"{server.api_origin}/pages/lab.html")


def refusal(page: Page, server: LabServer, plugin: str = "test.attacker@1.0.0") -> LabError:
    """What stops this deployment: opening it, or loading the first plugin."""
    with pytest.raises(LabError) as caught:
        lab_on(page, server).open(server).load(plugin)
    return caught.value


def test_a_cell_without_its_policy_starts_nothing(page: Page, serve: Serve) -> None:
    error = refusal(page, serve(NO_META_CSP, change=lost_cell_csp))
    assert error.code == "ISOLATION_FAILED", error
    assert error.name == "SandboxError"


def test_a_lost_header_does_not_fail_open(page: Page, serve: Serve) -> None:
    """The page's own meta holds what a meta can; the host frame's attribute keeps the origin opaque."""
    server = serve(ESCAPED, change=lost_cell_csp)
    plugin = lab_on(page, server).open(server).load("test.attacker@1.0.0")
    assert plugin.value("take", ["origin"]) == "null"
    assert plugin.value("take", ["evaluation"])["eval"].startswith("refused")


def test_a_lost_attribute_does_not_fail_open(page: Page, serve: Serve) -> None:
    """The header's sandbox directive keeps the origin opaque."""
    server = serve((*ESCAPED, *NO_SANDBOX_ATTRIBUTE))
    plugin = lab_on(page, server).open(server).load("test.attacker@1.0.0")
    assert plugin.value("take", ["origin"]) == "null"


@pytest.mark.parametrize("edits", [
    NO_SANDBOX_ATTRIBUTE, (*SAME_ORIGIN_ATTRIBUTE, *NO_ORIGIN_CHECK), (*SAME_ORIGIN_ATTRIBUTE, *NO_BOOT_PROOF),
], ids=["lost-attribute", "own-proof-alone", "hosts-look-alone"])  # fmt: skip
def test_a_cell_on_the_hosts_origin_starts_nothing(page: Page, serve: Serve, edits: tuple[Edit, ...]) -> None:
    """Whichever of the two that look at its origin is left."""
    error = refusal(page, serve(edits, change=lost_cell_sandbox))
    assert error.code in REFUSED, error


def left_behind(page: Page, server: LabServer) -> dict[str, str]:
    """What a second plugin finds of what a first one stored."""
    lab = lab_on(page, server).open(server)
    for _ in range(2):
        plugin = lab.load("test.attacker@1.0.0")
        report = plugin.value("take", ["storage"])
        plugin.unload()
    return report


def test_control_without_the_proof_it_would_run_on_the_hosts_origin(page: Page, serve: Serve) -> None:
    walls = (*NO_SANDBOX_ATTRIBUTE, *NO_BOOT_PROOF, *NO_ORIGIN_CHECK)
    server = serve((*ESCAPED, *walls), change=lost_cell_sandbox)
    plugin = lab_on(page, server).open(server).load("test.attacker@1.0.0")
    assert plugin.value("take", ["origin"]) == server.sandbox_origin
    report = left_behind(page, server)
    assert "open: left" in report.values(), report


def test_nothing_that_one_plugin_stores_is_found_by_another(page: Page, serve: Serve) -> None:
    report = left_behind(page, serve(ESCAPED))
    assert set(report) == {"indexeddb", "caches", "opfs"}
    for said in report.values():
        assert said in ("absent", "open: nothing") or said.startswith("refused"), report


def test_a_cell_that_says_ready_twice_is_ended(page: Page, serve: Serve) -> None:
    assert refusal(page, serve(CELL_READY_TWICE)).code == "PROTOCOL_VIOLATION"


@cache
def flipped(name: str) -> Callable[[str, MutableMapping[str, str], bytes], bytes]:
    def change(path: str, _headers: MutableMapping[str, str], body: bytes) -> bytes:
        if not path.endswith(f"/{name}"):
            return body
        middle = len(body) // 2
        return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]

    return change


@pytest.fixture(scope="module")
def tampering(serve: Serve) -> Iterator[LabServer]:
    """A server between the browser and us; each test says what it alters."""
    server = serve((), change=flipped(""))
    yield server
    server.change = flipped("")


@pytest.mark.one_engine  # the host page's own script counts the hashes
@pytest.mark.parametrize("name", ASSETS)
def test_one_flipped_byte_in_an_asset_is_found(page: Page, tampering: LabServer, name: str) -> None:
    tampering.change = flipped(name)
    # A plugin that needs more of the standard library than the snapshot holds.
    error = refusal(page, tampering, "com.example.misbehaving")
    assert error.code == "ASSET_TAMPERED", error
    assert name in error.message


@pytest.mark.parametrize(("name", "boot_ms"), [("host.html", 3000), ("cell.html", 1500)])
def test_a_flipped_byte_in_an_entry_files_script_runs_nothing(
    page: Page, tampering: LabServer, name: str, boot_ms: int
) -> None:
    """Its hash is in the policy; the browser itself refuses the script. A deadline then says so."""
    tampering.change = flipped(name)
    with pytest.raises(LabError) as caught:
        lab_on(page, tampering).open(tampering, bootTimeoutMs=boot_ms).load("test.attacker@1.0.0")
    assert caught.value.code in ("ORIGIN_NOT_ALLOWED", "BOOT_TIMEOUT"), caught.value


def test_control_the_same_server_with_nothing_altered_works(page: Page, tampering: LabServer) -> None:
    tampering.change = flipped("")
    plugin = lab_on(page, tampering).open(tampering).load("test.attacker@1.0.0")
    assert plugin.value("echo", 1) == 1
