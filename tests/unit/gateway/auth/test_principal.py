"""A token opens what its scopes name, and a session shows its seed to nobody."""

from __future__ import annotations

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import EDIT_INTEGRATIONS, MANAGE_PLUGINS, GatewaySession, Principal


def test_a_scope_opens_what_it_names_and_nothing_else() -> None:
    principal = Principal("ann", "acme", frozenset({MANAGE_PLUGINS}), 1)
    principal.require(MANAGE_PLUGINS)
    with pytest.raises(SandboxError) as caught:
        principal.require(EDIT_INTEGRATIONS)
    assert caught.value.code == Code.PERMISSION_DENIED


def test_a_session_does_not_show_its_seed() -> None:
    assert "5eed" not in repr(GatewaySession("id", "acme", "ann", frozenset(), "5eed" * 16, 1))
