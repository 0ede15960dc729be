import hashlib
import io
import json
import socket
from pathlib import Path

import pytest
from rich.console import Console

from pysandbox.cli import doctor
from pysandbox.cli.doctor import Check


def bundle(folder: Path, content: bytes = b"<html>") -> Path:
    (folder / "host.html").write_bytes(content)
    digest = hashlib.sha256(b"<html>").hexdigest()
    files = {"host.html": {"sha256": digest, "bytes": 6}}
    csp = {"hostScript": "sha256-a", "cellScript": "sha256-b"}
    (folder / "integrity.json").write_text(json.dumps({"build": "0123456789abcdef", "files": files, "csp": csp}))
    return folder


def test_a_python_that_is_too_old_is_named_with_its_cure() -> None:
    assert doctor.check_python((3, 11)).ok
    old = doctor.check_python((3, 10))
    assert not old.ok
    assert old.cure == "install Python 3.11 or newer"


def test_a_whole_bundle_is_right(tmp_path: Path) -> None:
    assert doctor.check_bundle(bundle(tmp_path)).ok


def test_a_changed_file_of_the_bundle_is_found(tmp_path: Path) -> None:
    found = doctor.check_bundle(bundle(tmp_path, b"<html!"))
    assert not found.ok
    assert "host.html" in found.found
    assert found.cure.startswith("pysandbox runtime build")


def test_without_a_bundle_it_and_what_builds_it_are_needed(tmp_path: Path) -> None:
    needed = {check.name: check.needed for check in doctor.collect(dist=tmp_path, ports=())}
    assert needed["bundle"]
    assert needed["deno"]
    whole = {check.name: check.needed for check in doctor.collect(dist=bundle(tmp_path), ports=())}
    assert not whole["deno"]


def test_a_tool_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._BUILD_TOOLS, "no-such-tool-here", "does nothing")
    check = doctor.check_tool("no-such-tool-here", needed=True)
    assert not check.ok
    assert check.cure == "pip install 'pysandbox[build]'"


def test_one_engine_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_browser", lambda engine: Path("/firefox") if engine == "firefox" else None)
    monkeypatch.setattr(doctor, "missing_parts", lambda engine: [] if engine == "firefox" else [engine])
    checks = doctor.check_browsers()
    assert [(check.name, check.ok) for check in checks] == [("chromium", False), ("firefox", True), ("webkit", False)]
    assert doctor.healthy(checks)


def test_no_engine_at_all_is_a_fault_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_browser", lambda _: None)
    monkeypatch.setattr(doctor, "missing_parts", lambda engine: [engine])
    checks = doctor.check_browsers()
    assert not doctor.healthy(checks)
    assert all(check.cure for check in checks)


def test_a_port_in_use_is_said_and_is_no_fault() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        check = doctor.check_port(listener.getsockname()[1])
        assert not check.ok
        assert doctor.healthy([check])


def test_text_shows_each_cure_under_its_check() -> None:
    text = io.StringIO()
    checks = [Check("python", True, True, "3.11"), Check("firefox", False, False, "missing: firefox", "apt-get …")]
    doctor.render(checks, Console(file=text, width=80))
    assert text.getvalue() == "✓ python   3.11\n! firefox  missing: firefox\n  → apt-get …\n"


def test_json_holds_every_check() -> None:
    checks = [Check("python", True, True, "3.11"), Check("bundle", False, True, "not built", "build it")]
    value = doctor.as_json(checks)
    assert value["ok"] is False
    assert json.loads(json.dumps(value))["checks"][1] == {
        "name": "bundle", "ok": False, "needed": True, "found": "not built", "cure": "build it",
    }
