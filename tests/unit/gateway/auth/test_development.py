"""Development tokens exist for a gateway of this machine alone."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.auth.development import ALGORITHM, AUDIENCE, ISSUER, development_key, sign
from pysandbox.gateway.auth.keys import KeySource, static_reader
from pysandbox.gateway.auth.platform import Expected, PlatformTokens
from pysandbox.gateway.settings import Settings


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    one, other = development_key(settings), development_key(settings)
    assert one.as_dict(private=True) == other.as_dict(private=True)
    [file] = list((tmp_path / "data").iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_says_who_and_what(tmp_path: Path) -> None:
    key = development_key(Settings(data_dir=tmp_path))
    token = sign(key, subject="ann", tenant="acme", scopes=["a:b", "c:d"], now_s=1000, life_s=60)
    source = KeySource(static_reader([{**key.as_dict(private=False), "kid": key.thumbprint()}]), lambda: 0, refresh_s=9)
    tokens = PlatformTokens(source, Expected(ISSUER, AUDIENCE, [ALGORITHM], leeway_s=0), lambda: 1059)
    found = asyncio.run(tokens.check(token))
    assert (found.subject, found.tenant, found.scopes) == ("ann", "acme", {"a:b", "c:d"})
    assert found.expires_at_ms == 1_060_000


@pytest.mark.parametrize("life_s", [0, -1, 86_401])
def test_a_token_lives_a_day_at_most(tmp_path: Path, life_s: int) -> None:
    key = development_key(Settings(data_dir=tmp_path))
    with pytest.raises(SandboxError, match="lives between"):
        sign(key, subject="ann", tenant="acme", scopes=[], now_s=1000, life_s=life_s)


@pytest.mark.parametrize("settings", [
    Settings(host="0.0.0.0"), Settings(host="192.168.1.4"), Settings(host="localhost"), Settings(host="::"),
    Settings(jwt_jwks="keys.json")])
def test_there_is_no_key_where_others_may_come_or_the_platform_signs(settings: Settings) -> None:
    with pytest.raises(SandboxError):
        development_key(settings)


@pytest.mark.parametrize("kept", ["", "{}", "[]", '{"kty": "OKP", "crv": "Ed25519", "x": "AA"}'])
def test_a_spoilt_key_is_not_replaced_without_a_word(tmp_path: Path, kept: str) -> None:
    (tmp_path / "development-key.json").write_text(kept)
    with pytest.raises(SandboxError, match="remove it"):
        development_key(Settings(data_dir=tmp_path))
    assert (tmp_path / "development-key.json").read_text() == kept
