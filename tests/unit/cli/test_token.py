"""`pysandbox token` prints a token for this machine's gateway, and none for any other."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pysandbox.cli.app import app
from pysandbox.gateway.auth.principal import SCOPES


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSANDBOX_DATA_DIR", str(tmp_path))


def _token(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["token", *args])
    return result.exit_code, result.stdout.strip(), result.stderr


def _claims(token: str) -> dict[str, object]:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def test_a_token_stands_alone_on_stdout_and_opens_everything() -> None:
    code, out, err = _token()
    assert (code, err) == (0, "")
    claims = _claims(out)
    assert (claims["sub"], claims["tenant"], claims["aud"]) == ("developer", "development", "pysandbox")
    assert set(str(claims["scope"]).split()) == SCOPES


def test_a_token_can_be_narrowed() -> None:
    code, out, _ = _token(
        "--scope", "a:b", "--scope", "c:d", "--subject", "ann", "--tenant", "acme", "--life-s", "60", "--json")
    told = json.loads(out)
    claims = _claims(told["token"])
    assert code == 0
    assert (claims["sub"], claims["tenant"], claims["scope"]) == ("ann", "acme", "a:b c:d")
    assert told["expiresAt"] == int(str(claims["exp"])) * 1000


@pytest.mark.parametrize(("variable", "value", "why"), [
    ("PYSANDBOX_HOST", "0.0.0.0", "this machine alone"), ("PYSANDBOX_JWT_JWKS", "keys.json", "platform's tokens"),
    ("PYSANDBOX_HSOT", "127.0.0.1", "PYSANDBOX_HOST")])
def test_where_others_may_come_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    code, out, err = _token()
    assert (code, out) == (2, "")
    assert why in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("life", ["0", "86401"])
def test_a_token_lives_a_day_at_most(life: str) -> None:
    assert _token("--life-s", life)[0] == 2
