"""`plugin`, `publisher`, `route` and `audit`: what is refused here, before any gateway is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.core.bundle import build_bundle
from tests.unit.gateway.fake_plugin import write_plugin

NOBODY = {"PYSANDBOX_URL": "http://127.0.0.1:1", "PYSANDBOX_TOKEN": "token", "COLUMNS": "300"}


def _run(*args: str, text: str | None = None, **env: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, args, input=text, env={**NOBODY, **env})
    return result.exit_code, result.output


@pytest.mark.parametrize("group", ["plugin", "publisher", "route", "vault"])
def test_a_groups_help_has_examples(group: str) -> None:
    code, shown = _run(group, "--help")
    assert code == 0
    assert f"pysandbox {group}" in shown.partition("Examples:")[2]


@pytest.mark.parametrize("version", ["com.vendor.risk", "@1.0.0", "com.vendor.risk@"])
@pytest.mark.parametrize("command", ["show", "enable", "disable", "block", "remove", "revoke"])
def test_a_version_is_an_id_and_a_number(command: str, version: str) -> None:
    code, shown = _run("plugin", command, version)
    assert code == 2
    assert "write ID@VERSION" in shown


@pytest.mark.parametrize("args", [[], ["--all", "webchat:session:read"]])
def test_consent_names_its_permissions_or_all(args: list[str]) -> None:
    code, shown = _run("plugin", "grant", "com.vendor.risk@1.0.0", *args)
    assert code == 2
    assert "--all" in shown


@pytest.mark.parametrize("option", ["--publisher", "--key"])
def test_a_publisher_and_its_key_go_together(option: str, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    value = "vendor" if option == "--publisher" else str(folder / "plugin.py")
    code, shown = _run("plugin", "add", str(folder), option, value)
    assert code == 2
    assert "go together" in shown


def test_a_folder_that_is_no_plugin_is_told_with_every_problem(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    (folder / "plugin.py").unlink()
    code, shown = _run("plugin", "add", str(folder))
    assert code == 1
    assert "$.manifest.entry" in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello", "BUNDLE_INVALID"),
        (build_bundle({"plugin.py": b""}), "has no manifest.json"),
        (build_bundle({"manifest.json": b"\xff"}), "is no JSON"),
        (build_bundle({"manifest.json": b'{"a": 1, "a": 2}'}), "is no JSON"),
    ])
def test_a_file_that_is_no_bundle_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(content)
    code, shown = _run("plugin", "add", str(tmp_path / "bundle.zip"))
    assert code == 1
    assert said in shown


def test_a_key_file_that_holds_no_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    folder, key = write_plugin(tmp_path / "plugin"), tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")
    code, shown = _run("plugin", "add", str(folder), "--publisher", "vendor", "--key", str(key))
    assert code == 1
    assert "no Ed25519 private key" in shown
    assert "hunter2" not in shown
    code, shown = _run("publisher", "add", "vendor", "--key", str(key))
    assert code == 2
    assert "no Ed25519 public key" in shown


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_route_is_a_json_object(text: str) -> None:
    code, shown = _run("route", "add", "-", text=text)
    assert code == 2
    assert "no JSON object" in shown


def test_a_route_is_tried_below_the_proxys_path_alone() -> None:
    code, shown = _run("route", "try", "/api/v2/plugins", "--plugin", "com.vendor.risk@1.0.0")
    assert code == 2
    assert "begins with /proxy/" in shown


@pytest.mark.parametrize("args", [["--since", "yesterday"], ["--limit", "0"], ["--limit", "501"]])
def test_an_audit_is_asked_for_a_time_and_a_number(args: list[str]) -> None:
    assert _run("audit", *args)[0] == 2


def test_a_route_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    code, shown = _run("route", "add", str(tmp_path / "none.json"))
    assert code == 2
    assert "cannot be read" in shown


@pytest.mark.parametrize("command", [["plugin", "list"], ["publisher", "list"], ["route", "list"], ["audit"]])
def test_a_token_and_an_address_are_needed(command: list[str]) -> None:
    code, shown = _run(*command, PYSANDBOX_TOKEN="")
    assert code == 2
    assert "a platform token is needed" in shown
    code, shown = _run(*command, "--url", "ftp://127.0.0.1")
    assert code == 2
    assert "starts with http:// or https://" in shown
