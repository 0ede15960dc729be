"""A look at a folder says what is wrong with it, where; a broken one is served again once it is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.playground.explain import explain
from pysandbox.gateway.playground.files import PluginFiles
from pysandbox.gateway.playground.live import LiveFolder
from pysandbox.gateway.playground.look import look
from tests.unit.gateway.fake_plugin import MANIFEST, write_plugin

ID, VERSION = "com.vendor.risk-scoring", "2.1.0"


def _manifest(folder: Path, **changes: object) -> str:
    inner: dict[str, Any] = dict(MANIFEST["manifest"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    text = json.dumps({**MANIFEST, "manifest": {**inner, **changes}}, indent=2)
    (folder / "manifest.json").write_text(text)
    return text


def _line(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def _look(folder: Path) -> dict[str, Any]:
    return look(LiveFolder(folder), PluginFiles(folder))


def test_a_whole_folder_is_told_with_its_inputs_and_answers(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin")
    text = _manifest(folder)
    (folder / "input.evaluate.json").write_text('{"a": 1}')
    (folder / "capabilities.json").write_text('{"webchat:session:read": {"tier": "gold"}}')
    told = _look(folder)
    assert (told["plugin"], told["problems"], told["notes"]) == (f"{ID}@{VERSION}", [], [])
    assert told["inputs"] == {"evaluate": '{"a": 1}'}
    assert told["capabilities"] == {"webchat:session:read": {"tier": "gold"}}
    assert [(one["name"], one["provider"], one["line"]) for one in told["permissions"]] == [
        ("webchat:session:read", "page", _line(text, '"webchat:session:read"')),
        ("integration:proxy:invoke", "host", _line(text, '"integration:proxy:invoke"'))]
    assert told["limits"] == {"memoryLimitMB": 64, "maxExecutionTimeMs": 3000}


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin")
    text = _manifest(folder, entry="other", permissions=["no permission"])
    (folder / "capabilities.json").write_text("[]")
    told = _look(folder)
    assert told["plugin"] is None
    assert ("manifest.json", _line(text, '"no permission"')) in [(one["file"], one["line"]) for one in told["problems"]]
    _manifest(folder, entry="other")
    told = _look(folder)
    assert [(one["file"], one["line"]) for one in told["problems"]] == [
        ("manifest.json", _line(text, '"entry"')), ("capabilities.json", 1)]


def test_a_syntax_error_of_python_is_a_note_at_its_line(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin")
    (folder / "plugin.py").write_text("x = 1\ny = (\n")
    [note] = _look(folder)["notes"]
    assert (note["file"], note["line"]) == ("plugin.py", 2)


def test_requirements_that_nobody_resolves_are_a_problem_of_their_file(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin")
    (folder / "requirements.txt").write_text("attrs==25.1.0\n")
    [problem] = _look(folder)["problems"]
    assert problem["file"] == "requirements.txt"
    (folder / "requirements.txt").write_text("\nattrs\n")
    [problem] = _look(folder)["problems"]
    assert (problem["file"], problem["line"]) == ("requirements.txt", 2)


def test_a_broken_folder_is_no_plugin_until_it_is_whole_again(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin")
    live = LiveFolder(folder)
    whole = live.find(ID, VERSION)
    good = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text("{")
    assert live.all() == []
    assert live.permissions() == ()
    assert live.fault is not None
    with pytest.raises(SandboxError) as caught:
        live.find(ID, VERSION)
    assert caught.value.code is Code.PLUGIN_NOT_FOUND
    (folder / "manifest.json").write_text(good)
    assert live.find(ID, VERSION).sha256 == whole.sha256
    assert live.fault is None


def test_a_denial_of_what_is_not_declared_says_what_to_write(tmp_path: Path) -> None:
    text = _manifest(write_plugin(tmp_path))
    told = explain("desktop:window:open is not declared in the plugin's manifest.permissions", text)
    assert (told["permission"], told["path"]) == ("desktop:window:open", "$.manifest.permissions")
    assert told["line"] == _line(text, '"permissions"')
    assert json.loads(str(told["write"])) == ["webchat:session:read", "integration:proxy:invoke", "desktop:window:open"]


@pytest.mark.parametrize(("message", "path", "cure"), [
    ("webchat:session:read was revoked by the page", "$.manifest.permissions[0]", "Ask or Allow"),
    ("integration:proxy:invoke is not granted to this user's session", "$.manifest.permissions[1]", "consent"),
    ("the connect-src of the manifest's csp does not cover https://api.example", "$.manifest.csp", "connect-src"),
    ("architect:flow:write is for operators' tokens; no plugin can hold it", "$.manifest.permissions", "No plugin"),
    ("'x' is no permission's name", "$.manifest.permissions", "area:thing:action"),
])  # fmt: skip
def test_every_denial_has_its_place_and_its_way(tmp_path: Path, message: str, path: str, cure: str) -> None:
    told = explain(message, _manifest(write_plugin(tmp_path)))
    assert (told["rule"], told["path"], told["write"]) == (message, path, "")
    assert cure in str(told["cure"])


def test_a_denial_is_explained_while_the_manifest_is_broken() -> None:
    assert explain("a:b:c is not declared in the plugin's manifest.permissions", "{\n\n")["line"] == 3
