"""`pysandbox plugin`, `publisher` and `audit` against the real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from typer.testing import CliRunner

from pysandbox.cli.app import app
from tests.integration.gateway.administered import Administered, administered
from tests.integration.gateway.serving import serving
from tests.unit.gateway.fake_plugin import write_plugin

PLUGIN = "com.vendor.risk-scoring@2.1.0"
PERMISSIONS = ["webchat:session:read", "integration:proxy:invoke"]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Administered]:
    with administered(tmp_path) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_plugin(tmp_path / "plugin")


def test_from_a_folder_to_a_version_that_pages_load(gateway: Administered, folder: Path) -> None:
    added = gateway.run("plugin", "add", str(folder))
    assert added.stdout == f"registered {PLUGIN}  draft  not consented to\n"
    assert f"pysandbox plugin grant {PLUGIN} --all" in added.stderr
    granted = gateway.run("plugin", "grant", PLUGIN, "--all", text="y\n")
    assert granted.stdout.endswith(f"granted {PLUGIN}  draft  2 of 2 permissions\n")  # after the answer's echo
    assert gateway.done("plugin", "enable", PLUGIN) == f"enabled {PLUGIN}  enabled  2 of 2 permissions\n"
    assert gateway.done("plugin", "list") == f"{PLUGIN}  enabled  2 of 2 permissions\n"


def test_a_built_bundle_is_the_same_version_as_its_folder(
    gateway: Administered, folder: Path, tmp_path: Path
) -> None:
    gateway.done("build", str(folder), "-o", str(tmp_path / "bundle.zip"))
    from_zip = gateway.json("plugin", "add", str(tmp_path / "bundle.zip"))
    assert gateway.json("plugin", "add", str(folder)) == from_zip
    assert [one["identity"] for one in gateway.json("plugin", "list")["plugins"]] == [from_zip["identity"]]


def test_other_content_under_a_known_version_is_refused(gateway: Administered, folder: Path) -> None:
    gateway.done("plugin", "add", str(folder))
    (folder / "plugin.py").write_text("changed = 1\n")
    refused = gateway.run("plugin", "add", str(folder))
    assert refused.exit_code == 1
    assert "VERSION_EXISTS" in refused.stderr


def test_who_does_not_agree_grants_nothing_and_sees_what_was_asked(gateway: Administered, folder: Path) -> None:
    identity = gateway.json("plugin", "add", str(folder))["identity"]
    for answer in ("n\n", ""):
        declined = gateway.run("plugin", "grant", PLUGIN, PERMISSIONS[0], text=answer)
        assert declined.exit_code == 1
        assert identity in declined.stderr
        assert f"✓ {PERMISSIONS[0]}" in declined.stderr
        assert f"{PERMISSIONS[1]}  (not granted)" in declined.stderr
    assert gateway.json("plugin", "show", PLUGIN)["granted"] is None


def test_consent_by_identity_asks_nothing_and_holds_for_that_identity_alone(
    gateway: Administered, folder: Path
) -> None:
    identity = gateway.json("plugin", "add", str(folder))["identity"]
    stale = gateway.run("plugin", "grant", PLUGIN, "--all", "--identity", "0" * 64)
    assert stale.exit_code == 1
    assert "CONSENT_STALE" in stale.stderr
    assert gateway.json("plugin", "grant", PLUGIN, PERMISSIONS[0], "--identity", identity)["granted"] == [
        PERMISSIONS[0]]
    shown = gateway.done("plugin", "show", PLUGIN)
    assert f"asks for  {', '.join(PERMISSIONS)}\n" in shown
    assert f"granted   {PERMISSIONS[0]}\n" in shown
    assert identity in shown


def test_what_was_granted_can_be_taken_back(gateway: Administered, folder: Path) -> None:
    gateway.done("plugin", "add", str(folder))
    gateway.done("plugin", "grant", PLUGIN, "--all", text="y\n")
    assert gateway.json("plugin", "revoke", PLUGIN)["granted"] == []


def test_a_version_is_blocked_disabled_and_removed(gateway: Administered, folder: Path) -> None:
    gateway.done("plugin", "add", str(folder))
    assert gateway.json("plugin", "block", PLUGIN)["state"] == "blocked"
    refused = gateway.run("plugin", "remove", PLUGIN)
    assert refused.exit_code == 1
    assert "disable it first" in refused.stderr
    assert gateway.json("plugin", "disable", PLUGIN)["state"] == "disabled"
    assert gateway.run("plugin", "remove", PLUGIN).stderr == f"removed {PLUGIN}\n"
    assert gateway.json("plugin", "list") == {"plugins": []}


def test_a_signed_version_names_its_publisher(gateway: Administered, folder: Path, tmp_path: Path) -> None:
    private, public = _keys(tmp_path, "vendor")
    registered = gateway.json("publisher", "add", "vendor", "--key", str(public))
    assert gateway.done("publisher", "list") == f"vendor  {registered['publicKey']}\n"
    added = gateway.done("plugin", "add", str(folder), "--publisher", "vendor", "--key", str(private))
    assert added == f"registered {PLUGIN}  draft  not consented to  signed by vendor\n"
    gateway.done("publisher", "remove", "vendor")
    assert gateway.json("publisher", "list") == {"publishers": []}


def test_a_signature_by_another_key_is_refused(gateway: Administered, folder: Path, tmp_path: Path) -> None:
    gateway.done("publisher", "add", "vendor", "--key", str(_keys(tmp_path, "vendor")[1]))
    other = _keys(tmp_path, "other")[0]
    refused = gateway.run("plugin", "add", str(folder), "--publisher", "vendor", "--key", str(other))
    assert refused.exit_code == 1
    assert "SIGNATURE_INVALID" in refused.stderr
    assert gateway.json("plugin", "list") == {"plugins": []}


def test_the_audit_tells_who_did_what_and_can_be_narrowed(gateway: Administered, folder: Path) -> None:
    gateway.done("plugin", "add", str(folder))
    gateway.done("plugin", "enable", PLUGIN)
    lines = gateway.done("audit").splitlines()
    assert [line.split("  ")[1:4] for line in lines] == [
        ["developer", "plugin.enabled", PLUGIN], ["developer", "plugin.add", PLUGIN]]
    (newest,) = gateway.json("audit", "--limit", "1")["entries"]
    assert newest["action"] == "plugin.enabled"
    narrowed = ["--target", PLUGIN, "--actor", "developer", "--since"]
    assert len(gateway.json("audit", *narrowed, str(newest["at"]))["entries"]) >= 1
    assert len(gateway.json("audit", *narrowed, "2001-01-01T12:00Z")["entries"]) == 2
    assert gateway.json("audit", *narrowed, "2999-01-01") == {"entries": []}
    assert gateway.json("audit", "--target", "other") == {"entries": []}


@pytest.mark.parametrize(
    "command", [["plugin", "list"], ["plugin", "enable", PLUGIN], ["publisher", "list"], ["audit"], ["route", "list"]])
def test_a_token_without_the_scope_is_refused(gateway: Administered, command: list[str]) -> None:
    refused = replace(gateway, scopes=("webchat:session:read",)).run(*command)
    assert refused.exit_code == 1
    assert "PERMISSION_DENIED" in refused.stderr


@pytest.mark.parametrize("command", [["plugin", "list"], ["publisher", "list"], ["route", "list"], ["audit"]])
def test_a_gateway_that_is_not_there_is_told(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token\n")
    given = ["--url", "http://127.0.0.1:1", "--token-file", str(tmp_path / "token")]
    gone = CliRunner().invoke(app, [*command, *given])
    assert gone.exit_code == 1
    assert "is `pysandbox serve` running there?" in gone.stderr


def test_a_token_follows_no_redirect(tmp_path: Path) -> None:
    asked: list[str] = []

    async def other(request: Request) -> JSONResponse:
        asked.append(request.headers.get("authorization", ""))
        return JSONResponse({"plugins": []})

    (tmp_path / "token").write_text("token\n")
    with serving(Starlette(routes=[Route("/{path:path}", other)])) as elsewhere:
        moved = Starlette(routes=[Route("/api/v2/plugins", lambda _: RedirectResponse(f"{elsewhere}/api/v2/plugins"))])
        with serving(moved) as origin:
            command = ["plugin", "list", "--token-file", str(tmp_path / "token"), "--url"]
            refused = CliRunner().invoke(app, [*command, origin])
            assert CliRunner().invoke(app, [*command, elsewhere]).exit_code == 0
    assert refused.exit_code == 1
    assert "answered 307" in refused.stderr
    assert asked == ["Bearer token"], "of the second command alone"


def _keys(folder: Path, name: str) -> tuple[Path, Path]:
    """As the help says to make them."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    subprocess.run(["openssl", "pkey", "-pubout", "-in", str(private), "-out", str(public)], check=True)
    return private, public
