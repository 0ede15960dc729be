"""`pysandbox serve`: wrong settings end with 2 before anything listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer import Context
from typer.main import get_command
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.cli.serve import plugin_folders
from pysandbox.gateway.settings import settings_help
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.fake_plugin import write_plugin

pytestmark = pytest.mark.usefixtures("_log_goes_where_it_went")


def _serve(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["serve", *args])
    return result.exit_code, result.stderr


def test_a_host_beyond_loopback_is_refused(tmp_path: Path) -> None:
    code, err = _serve("--host", "0.0.0.0", "--dist", str(write_dist(tmp_path)), "--plugins", str(tmp_path))
    assert code == 2
    assert "this machine alone" in err


def test_the_gateway_beyond_loopback_needs_keys_and_origins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSANDBOX_HOST", "0.0.0.0")
    code, err = _serve("--dist", str(write_dist(tmp_path)))
    assert code == 2
    assert all(name in err for name in ("jwt_jwks", "api_origin", "sandbox_origin"))


def test_a_setting_that_nothing_knows_is_named_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('jwt_audienc = "x"\n')
    monkeypatch.setenv("PYSANDBOX_DRAIM_S", "1")
    code, err = _serve("--config", str(file))
    assert code == 2
    assert "gateway.toml: jwt_audienc" in err
    assert "write PYSANDBOX_DRAIN_S" in err


def test_the_help_has_every_setting() -> None:
    told = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "300"}).stdout
    assert [variable for variable, _, _ in settings_help() if variable not in told] == []


@pytest.mark.parametrize(
    "args", [["--port", "99999"], ["--sandbox-port", "-1"], ["--plugins", "/nowhere/at/all"], ["--port", "x"]])
def test_settings_out_of_range_are_wrong_use(args: list[str]) -> None:
    assert _serve(*args)[0] == 2


def test_a_bad_origin_is_wrong_use_from_the_variable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dist = str(write_dist(tmp_path))
    code, err = _serve("--allowed-origin", "https://*.example", "--dist", dist)
    assert code == 2
    assert "is not an origin" in err
    monkeypatch.setenv("PYSANDBOX_ALLOWED_ORIGINS", "https://a.example null")
    code, err = _serve("--dist", dist)
    assert code == 2
    assert "'null' is not an origin" in err


def test_a_bad_plugin_is_named_with_all_its_problems(tmp_path: Path) -> None:
    write_plugin(tmp_path / "plugin")
    (tmp_path / "plugin" / "plugin.py").unlink()
    code, err = _serve("--plugins", str(tmp_path / "plugin"), "--dist", str(write_dist(tmp_path / "dist")))
    assert code == 2
    assert "$.manifest.entry" in err


def test_without_a_bundle_the_command_that_builds_it_is_named(tmp_path: Path) -> None:
    code, err = _serve("--dist", str(tmp_path))
    assert code == 2
    assert "pysandbox runtime build" in err


def test_the_docs_name_every_option_and_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()
    command = get_command(app).get_command(Context(get_command(app)), "serve")  # pyright: ignore[reportAttributeAccessIssue]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    names = [parameter.opts[0] for parameter in options] + [p.envvar for p in options if isinstance(p.envvar, str)]
    assert len(names) > 10
    assert [name for name in names if name not in page] == []


def test_a_folder_of_plugins_stands_for_the_plugins_in_it(tmp_path: Path) -> None:
    one, two = write_plugin(tmp_path / "one"), write_plugin(tmp_path / "two", version="2.2.0")
    (tmp_path / "docs").mkdir()
    assert plugin_folders(tmp_path) == [one, two]
    assert plugin_folders(one) == [one]
    assert plugin_folders(tmp_path / "docs") == [tmp_path / "docs"]


def test_chaos_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    code, err = _serve("--chaos", "hang=often", "--dist", str(write_dist(tmp_path)))
    assert code == 2
    assert "--chaos hang" in err
    assert "such as hang=0.05" in err
