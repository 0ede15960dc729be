"""What settings mean together is judged before anything listens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pysandbox.core.errors import SandboxError
from pysandbox.gateway.config_checks import check, database_url, places
from pysandbox.gateway.settings import Settings

PUBLIC: dict[str, Any] = {
    "host": "0.0.0.0", "jwt_jwks": "https://id.example/jwks", "jwt_issuer": "https://id.example", "jwt_audience": "x",
    "api_origin": "https://api.example", "sandbox_origin": "https://sandbox.example"}


def faults(**given: Any) -> set[str]:
    try:
        check(Settings(**given))
    except SandboxError as error:
        return {problem.path for problem in error.details}
    return set()


def test_the_defaults_and_a_public_deployment_are_fine() -> None:
    assert faults() == set()
    assert faults(**PUBLIC) == set()


def test_beyond_loopback_keys_and_origins_must_be_named() -> None:
    assert faults(host="0.0.0.0") == {"jwt_jwks", "api_origin", "sandbox_origin"}
    assert faults(host="localhost") == {"jwt_jwks", "api_origin", "sandbox_origin"}


@pytest.mark.parametrize(("change", "at"), [
    ({"jwt_issuer": ""}, "jwt_jwks"),
    ({"jwt_audience": ""}, "jwt_jwks"),
    ({"jwt_jwks": "http://id.example/jwks"}, "jwt_jwks"),
    ({"jwt_algorithms": ("none",)}, "jwt_algorithms"),
    ({"jwt_algorithms": ("RS256", "HS256")}, "jwt_algorithms"),
    ({"sandbox_origin": "https://api.example"}, "sandbox_origin"),
    ({"sandbox_origin": "https://*.example"}, "sandbox_origin"),
    ({"allowed_origins": ("https://a.example/path",)}, "allowed_origins"),
    ({"path_prefix": "/x/"}, "path_prefix"),
    ({"path_prefix": "x"}, "path_prefix"),
    ({"path_prefix": "/../x"}, "path_prefix"),
    ({"trusted_proxies": ("10.0.0.1/8",)}, "trusted_proxies"),
    ({"trusted_proxies": ("proxy.internal",)}, "trusted_proxies"),
    ({"session_idle_s": 100, "session_lifetime_s": 99}, "session_idle_s"),
    ({"vault_url": "https://vault.example"}, "vault_url"),
])
def test_each_contradiction_is_named(change: dict[str, Any], at: str) -> None:
    assert faults(**{**PUBLIC, **change}) == {at}


def test_keys_in_the_clear_are_for_this_machine_alone() -> None:
    assert faults(**{**PUBLIC, "jwt_jwks": "http://127.0.0.1:9/jwks"}) == set()


def test_places_are_what_was_set_or_what_was_bound() -> None:
    at = places(Settings(), 1, 2, own_pages=True)
    assert (at.api_origin, at.sandbox_origin) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert at.allowed_origins == ("http://127.0.0.1:1",)
    at = places(Settings(**PUBLIC, allowed_origins=("https://app.example:443",)), 1, 2)
    assert (at.api_origin, at.sandbox_origin) == ("https://api.example", "https://sandbox.example")
    assert at.allowed_origins == ("https://app.example",)


def test_rows_are_kept_in_the_data_folder_unless_a_database_is_named() -> None:
    assert database_url(Settings(data_dir=Path("/x"))) == "sqlite:////x/gateway.db"
    assert database_url(Settings(database_url="postgresql://h/d")) == "postgresql://h/d"
