"""Permissions: default deny, and each of the four that must agree can say no."""

from __future__ import annotations

import pytest

from pysandbox.core.permissions import KNOWN, denied_reason, effective, is_name, provider

READ, PROXY, MANAGE = "webchat:session:read", "integration:proxy:invoke", "application:plugin:manage"


@pytest.mark.parametrize("name", [READ, "crm:contact-card:write2", "a:b:c", *KNOWN])
def test_well_formed_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", [
    "", "a", "a:b", "a:b:c:d", "A:b:c", "a:b:", ":b:c", "a::c", "a:b:c\n", " a:b:c", "a:b:*", "*", "1:b:c", "a:_b:c",
    "a:b:\u0441", "a:b:\u212a", "__proto__:b:c", "a:b:" + "c" * 100])
def test_ill_formed_names(name: str) -> None:
    assert not is_name(name)
    assert "form area:thing:action" in str(denied_reason(name, [name], [name], [name]))


def test_a_permission_is_in_force_when_all_agree() -> None:
    assert denied_reason(READ, [READ], [READ], [READ]) is None
    assert effective([READ, PROXY], [PROXY, READ], [READ]) == {READ, PROXY}


@pytest.mark.parametrize(("declared", "granted", "provided", "revoked", "part"), [
    ([], [READ], [READ], [], "not declared"), ([READ], [], [READ], [], "not granted"),
    ([READ], [READ], [], [], "not provided"), ([READ], [READ], [READ], [READ], "revoked"),
    ([], [], [], [READ], "not declared")])
def test_each_wall_alone_denies_and_says_which_it_was(
        declared: list[str], granted: list[str], provided: list[str], revoked: list[str], part: str) -> None:
    assert part in str(denied_reason(READ, declared, granted, provided, revoked))
    assert effective(declared, granted, provided, revoked) == frozenset()


def test_what_the_host_provides_needs_no_function_of_the_page() -> None:
    assert provider(PROXY) == "host"
    assert denied_reason(PROXY, [PROXY], [PROXY], []) is None
    assert "revoked" in str(denied_reason(PROXY, [PROXY], [PROXY], [], [PROXY]))


def test_an_operators_scope_is_never_a_plugins() -> None:
    assert "operators" in str(denied_reason(MANAGE, [MANAGE], [MANAGE], [MANAGE]))
    assert effective([MANAGE], [MANAGE], [MANAGE]) == frozenset()


def test_nothing_is_in_force_that_the_manifest_did_not_declare() -> None:
    assert effective([READ], [READ, PROXY, "a:b:c"], [READ, "a:b:c"]) == {READ}


def test_an_unknown_name_is_the_pages_to_provide() -> None:
    assert provider("crm:contact:read") == "page"


def test_a_prefix_or_another_case_is_another_permission() -> None:
    assert denied_reason("webchat:session:rea", [READ], [READ], [READ])
    assert denied_reason(READ.upper(), [READ], [READ], [READ])


def test_a_name_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = "a:b:" + "c" * 92
    assert len(longest) == 96
    assert is_name(longest)
    assert not is_name(longest + "c")


@pytest.mark.parametrize(("name", "who"), [
    (READ, "page"), (PROXY, "host"), ("telephony:trunk:view", "host"), ("plugin:log:export", "host"),
    (MANAGE, "operator"), ("architect:flow:write", "operator")])
def test_who_provides_what_a_known_name_opens(name: str, who: str) -> None:
    assert provider(name) == who
    assert KNOWN[name].provider == who


def test_every_known_name_has_its_provider_stated_here() -> None:
    assert set(KNOWN) == {
        READ, PROXY, "telephony:trunk:view", "plugin:log:export", MANAGE, "architect:flow:write"}
