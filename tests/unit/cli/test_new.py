"""A new plugin's folder checks as it is, passes its own tests, and nothing that was there is written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pysandbox.cli.app import app
from pysandbox.cli.new import Template
from pysandbox.gateway.folder import check_folder
from pysandbox.testing import load_plugin


def new(*args: object) -> Result:
    return CliRunner().invoke(app, ["new", *map(str, args)])


@pytest.mark.parametrize("template", Template)
def test_each_template_is_a_plugin_whose_saved_input_its_handler_takes(tmp_path: Path, template: Template) -> None:
    folder = tmp_path / "My Plugin"
    assert new(folder, "--template", template).exit_code == 0
    found = check_folder(folder)
    assert list(found.problems) == []
    assert found.manifest is not None
    assert found.manifest.plugin_id == "com.example.my-plugin"
    saved = list(folder.glob("input.*.json"))
    assert len(saved) == 1
    plugin = load_plugin(folder)
    assert plugin.invoke(saved[0].name.split(".")[1], json.loads(saved[0].read_text("utf-8")))


def test_the_templates_own_tests_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # starts in a tenth of the time
    for template in Template:
        new(tmp_path / template, "--template", template)
    told = json.loads(CliRunner().invoke(app, ["test", str(tmp_path), "--json"]).stdout)
    assert (told["ok"], [one["name"] for one in told["results"]]) == (True, ["tests"]), told
    assert told["results"][0]["said"].startswith(f"{2 * len(Template)} passed"), told


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = new(tmp_path)
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_bad_id_is_refused_by_its_field_before_anything_is_written(tmp_path: Path) -> None:
    result = new(tmp_path / "plugin", "--id", "Bad Id")
    assert result.exit_code == 2
    assert "$.pluginId" in result.stderr
    assert not (tmp_path / "plugin").exists()


def test_a_plugins_failing_test_is_told_and_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    folder = tmp_path / "plugin"
    new(folder, "--template", "text")
    (folder / "input.classify.json").unlink()
    (folder / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    result = CliRunner().invoke(app, ["test", str(folder)])
    assert result.exit_code == 1
    assert "✗ tests" in result.stdout
    assert "assert 1 == 2" in result.stderr


def test_a_folder_with_nothing_to_try_is_told_what_to_add(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["test", str(tmp_path)])
    assert result.exit_code == 2
    assert "input.HANDLER.json" in result.stderr
