"""A token opens what its scopes name, and a session shows its seed to nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, MANAGE_PLUGINS, SCOPES, GatewaySession, Principal

GUIDE = Path(__file__).parents[4] / "docs/gateway.md"


def test_a_scope_opens_what_it_names_and_nothing_else() -> None:
    principal = Principal("ann", "acme", frozenset({MANAGE_PLUGINS}), 1)
    principal.require(MANAGE_PLUGINS)
    with pytest.raises(SandboxError) as caught:
        principal.require(EDIT_INTEGRATIONS)
    assert caught.value.code == Code.PERMISSION_DENIED


def test_a_session_does_not_show_its_seed() -> None:
    assert "5eed" not in repr(GatewaySession("id", "acme", "ann", frozenset(), "5eed" * 16, 1))


def test_all_scopes_of_the_guide_are_in_a_token_that_opens_everything() -> None:
    table = GUIDE.read_text("utf-8").partition("| scope | opens |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"^\| `([a-z:]+)` \|", table, re.MULTILINE))
    assert "telemetry:records:read" in listed
    assert listed == SCOPES
