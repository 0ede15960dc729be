"""Settings are read from file, environment and command line, and refused whole when one of them is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.settings import Settings, load_settings, settings_help


def problems(environment: dict[str, str], file: Path | None = None) -> list[tuple[str, str, str]]:
    with pytest.raises(SandboxError) as caught:
        load_settings(environment, file)
    assert caught.value.code == Code.INPUT_INVALID
    return [(one.path, one.rule, one.cure) for one in caught.value.details]


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('port = 1\nsandbox_port = 2\nhost = "127.0.0.2"\nallowed_origins = ["https://a.example"]\n')
    found = load_settings({"PYSANDBOX_SANDBOX_PORT": "3", "PYSANDBOX_PORT": "4"}, file, {"port": 5})
    assert (found.port, found.sandbox_port, found.host) == (5, 3, "127.0.0.2")
    assert found.allowed_origins == ("https://a.example",)


def test_lists_numbers_and_switches_are_read_from_text() -> None:
    found = load_settings({
        "PYSANDBOX_JWT_ALGORITHMS": "ES256, RS256", "PYSANDBOX_DRAIN_S": "7", "PYSANDBOX_ACCESS_LOG": "off",
        "PYSANDBOX_DATA_DIR": "/srv/x", "OTHER": "1"})
    assert found.jwt_algorithms == ("ES256", "RS256")
    assert (found.drain_s, found.access_log, found.data_dir) == (7, False, Path("/srv/x"))


def test_every_problem_is_told_at_once_with_place_and_cure(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('prot = 1\nport = "x"\nallowed_origins = "https://a.example"\naccess_log = 1\n')
    found = problems({"PYSANDBOX_JWT_AUDIENC": "x", "PYSANDBOX_SESSION_IDLE_S": "-1", "PYSANDBOX_DRAIN_S": "0"}, file)
    assert [path for path, _, _ in found] == [
        f"{file}: prot", f"{file}: port", f"{file}: allowed_origins", f"{file}: access_log",
        "PYSANDBOX_JWT_AUDIENC", "PYSANDBOX_SESSION_IDLE_S", "PYSANDBOX_DRAIN_S"]
    assert found[0][1:] == ("is no setting", "write port")
    assert found[4][1:] == ("is no setting", "write PYSANDBOX_JWT_AUDIENCE")
    assert [rule for _, rule, _ in found[5:]] == ["is not a whole number", "is less than 1"]
    assert all(cure for _, _, cure in found)


@pytest.mark.parametrize("text", ["port = ", "port = 1\nport = 2", "\udc80"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SandboxError, match=r"gateway\.toml is not TOML"):
        load_settings({}, file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"none\.toml cannot be read"):
        load_settings({}, tmp_path / "none.toml")


def test_secrets_stand_in_no_repr_and_in_no_problem(tmp_path: Path) -> None:
    text = repr(Settings(vault_token="hvs.secret", database_url="postgresql://u:secret@h/d", redis_url="redis://:secret@h"))
    assert "secret" not in text
    file = tmp_path / "gateway.toml"
    file.write_text('vault_token = ["hvs.secret"]\n')
    assert "hvs" not in str(problems({}, file))


def test_every_setting_says_what_it_is_for() -> None:
    told = settings_help()
    assert ("PYSANDBOX_PORT", "8900", "Port of the API origin; 0 takes a free one.") in told
    assert all(text.endswith(".") for _, _, text in told)
