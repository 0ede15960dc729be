"""Secrets: their names, who may receive them, and that nothing shows them."""

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.secret import Secret, SecretRef, parse_secret

SECRET = Secret({"token": "s3cr3t-value"}, ("api.vendor.example", "10.0.0.5:8443"), ("acme",))


def code(error: pytest.ExceptionInfo[SandboxError]) -> Code:
    return error.value.code


@pytest.mark.parametrize("text", ["vault://prod/plugins/vendor-risk/credentials", "embedded://risk", "aws-sm://a/b.c"])
def test_a_reference_reads_back_as_it_was_written(text: str) -> None:
    assert str(SecretRef.parse(text)) == text


@pytest.mark.parametrize("text", [
    "", "risk", "file:///etc/passwd", "vault://", "vault:///a", "vault://a//b", "vault://a/../b", "vault://a/./b",
    "vault://a/b?c", "vault://a b", "VAULT://a", "vault://a/%2e%2e/b", "vault://" + "a" * 600, "embedded://a\n"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(SandboxError) as error:
        SecretRef.parse(text)
    assert code(error) == Code.INPUT_INVALID


def test_a_secret_shows_nothing_of_its_values() -> None:
    assert "s3cr3t" not in repr(SECRET)
    assert "s3cr3t" not in str(SECRET)
    with pytest.raises(SandboxError) as error:
        SECRET.require("token", "apiKey", "username")
    assert "apiKey, username" in error.value.message
    assert "s3cr3t" not in str(error.value)


def test_a_secret_goes_to_its_hosts_and_tenants_alone() -> None:
    SECRET.check(host="api.vendor.example", port=443, tenant="acme")
    SECRET.check(host="10.0.0.5", port=8443, tenant="acme")
    for host, port, tenant in [
        ("evil.example", 443, "acme"), ("api.vendor.example", 8443, "acme"), ("10.0.0.5", 443, "acme"),
        ("api.vendor.example.evil.example", 443, "acme"), ("api.vendor.example", 443, "other")]:
        with pytest.raises(SandboxError) as error:
            SECRET.check(host=host, port=port, tenant=tenant)
        assert code(error) == Code.CREDENTIALS_NOT_ALLOWED


def test_a_secret_without_hosts_or_tenants_goes_nowhere() -> None:
    for secret in (Secret({"token": "x"}, (), ("acme",)), Secret({"token": "x"}, ("api.vendor.example",), ())):
        with pytest.raises(SandboxError):
            secret.check(host="api.vendor.example", port=443, tenant="acme")


def test_a_document_is_read_with_lists_or_with_text() -> None:
    want = Secret({"token": "x"}, ("a.example", "b.example:8443"), ("acme",))
    assert parse_secret({"token": "x", "hosts": ["A.example", "b.example:8443"], "tenants": ["acme"]}) == want
    assert parse_secret({"token": "x", "hosts": "a.example, b.example:8443", "tenants": "acme"}) == want


def test_every_problem_of_a_document_is_told_at_once_and_no_value() -> None:
    with pytest.raises(SandboxError) as error:
        parse_secret({"token": 5, "password": {"hidden": "hunter2"}, "hosts": [], "tenants": [1]})
    assert [problem.path for problem in error.value.details] == ["$.hosts", "$.tenants", "$.token", "$.password"]
    assert "hunter2" not in repr(error.value.details)


@pytest.mark.parametrize("document", [None, [], "x", {"hosts": ["a"], "tenants": ["b"]}])
def test_what_holds_no_value_is_no_secret(document: object) -> None:
    with pytest.raises(SandboxError) as error:
        parse_secret(document)
    assert code(error) == Code.INPUT_INVALID


def test_the_digest_follows_the_values_and_cannot_be_moved_between_them() -> None:
    assert Secret({"a": "bc", "d": ""}).digest != Secret({"a": "b", "cd": ""}).digest
    assert Secret({"a": "1", "b": "2"}, ("x",)).digest == Secret({"b": "2", "a": "1"}, ("y",)).digest
